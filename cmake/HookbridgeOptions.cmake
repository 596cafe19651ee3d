# Compile options as interface targets: hookbridge::options for our code.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the build folder and no folder in the key: presets share what is the same.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

add_library(hookbridge_options INTERFACE)
add_library(hookbridge::options ALIAS hookbridge_options)
target_include_directories(hookbridge_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(hookbridge_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fno-omit-frame-pointer
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # GCC 12 reports these wrongly inside standard containers and coroutine frames.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
    -Wno-array-bounds -Wno-stringop-overread -Wno-dangling-pointer -Wno-mismatched-new-delete>)
target_compile_definitions(hookbridge_options INTERFACE BOOST_ASIO_NO_DEPRECATED)

if(HOOKBRIDGE_SANITIZE)
  # `function` does not go with coroutines in clang 14 (its prologue data has no section).
  add_compile_options(-fsanitize=${HOOKBRIDGE_SANITIZE} -fno-sanitize-recover=all -g1
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  add_link_options(-fsanitize=${HOOKBRIDGE_SANITIZE})
endif()
if(HOOKBRIDGE_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()
