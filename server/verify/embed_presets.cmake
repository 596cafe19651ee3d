# cmake -DOUT=file.cc -DPRESETS="a.yaml;b.yaml" -P embed_presets.cmake
# Writes a source with every preset as a raw string.
set(text "#include \"server/verify/embedded_presets.h\"\n\nnamespace hookbridge {\n\nstd::vector<Preset> EmbeddedPresets() {\n  return {\n")
foreach(file IN LISTS PRESETS)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} yaml)
  string(APPEND text "      {\"${name}\", R\"preset(${yaml})preset\"},\n")
endforeach()
string(APPEND text "  };\n}\n\n}  // namespace hookbridge\n")
file(WRITE ${OUT} "${text}")
