#!/bin/sh
# Writes a source with every preset as a raw string: embed_presets.sh OUT.cc a.yaml b.yaml
set -eu
exec >"$1"
shift
printf '#include "server/verify/embedded_presets.h"\n\nnamespace hookbridge {\n\n'
printf 'std::vector<Preset> EmbeddedPresets() {\n  return {\n'
for file in "$@"; do
  printf '      {"%s", R"preset(' "$(basename "$file" .yaml)"
  cat "$file"
  printf ')preset"},\n'
done
printf '  };\n}\n\n}  // namespace hookbridge\n'
