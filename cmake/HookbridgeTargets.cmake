# hookbridge_library(NAME SOURCES … PUBLIC … PRIVATE …): one room. Sources are listed, never globbed.
function(hookbridge_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE hookbridge::options ${ARG_PRIVATE})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# hookbridge_test(NAME SOURCES … DEPS … [LABELS …] [TIMEOUT seconds]): one GoogleTest binary,
# one ctest entry. The label `tsan` marks what links no gRPC and runs under ThreadSanitizer.
function(hookbridge_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE hookbridge::options ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE HOOKBRIDGE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# hookbridge_fuzzer(NAME SOURCE f CORPUS dir DEPS …): a libFuzzer binary where HOOKBRIDGE_FUZZERS
# is on, and in every build a ctest entry NAME_corpus that runs the corpus through the same code.
function(hookbridge_fuzzer name)
  cmake_parse_arguments(ARG "" "SOURCE;CORPUS" "DEPS;LABELS" ${ARGN})
  if(HOOKBRIDGE_FUZZERS)
    add_executable(${name} ${ARG_SOURCE})
    target_link_libraries(${name} PRIVATE hookbridge::options ${ARG_DEPS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  endif()
  if(HOOKBRIDGE_TESTS)
    add_executable(${name}_corpus ${ARG_SOURCE} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus_main.cc)
    target_link_libraries(${name}_corpus PRIVATE hookbridge::options ${ARG_DEPS})
    add_test(NAME ${name}_corpus COMMAND ${name}_corpus ${ARG_CORPUS}
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name}_corpus PROPERTIES TIMEOUT 120 LABELS "${ARG_LABELS}")
  endif()
endfunction()
