"""What cmake/HookbridgeTargets.cmake is for CMake: one macro for each kind of target.

CMake's hookbridge_NAME of a folder is Bazel's //folder:NAME; tests keep their names. Sources are
listed, never globbed; headers are globbed. `implementation_deps` are CMake's PRIVATE ones.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

# As in cmake/HookbridgeOptions.cmake.
_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Werror",
    "-fno-omit-frame-pointer",
] + select({
    "//bazel:clang": ["-Wthread-safety"],
    # GCC 12 reports these wrongly inside standard containers and coroutine frames.
    "//conditions:default": [
        "-Wno-maybe-uninitialized",
        "-Wno-restrict",
        "-Wno-stringop-overflow",
        "-Wno-array-bounds",
        "-Wno-stringop-overread",
        "-Wno-dangling-pointer",
        "-Wno-mismatched-new-delete",
    ],
})
_DEFINES = ["BOOST_ASIO_NO_DEPRECATED"]

# Tests run in their runfiles, which are laid out as the source tree.
_TEST_DEFINES = _DEFINES + ["HOOKBRIDGE_SOURCE_DIR=\\\".\\\""]

# CMake finds the header-only helpers of tests without an edge.
_TEST_HEADERS = ["//tests/support:headers"]

def hookbridge_library(name, srcs, hdrs = None, deps = [], implementation_deps = []):
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = native.glob(["**/*.h"], allow_empty = True) if hdrs == None else hdrs,
        copts = _COPTS,
        linkstatic = True,
        local_defines = _DEFINES,
        # Bazel 4 has no implementation_deps of its own.
        deps = deps + implementation_deps,
    )

def hookbridge_binary(name, srcs, deps):
    cc_binary(
        name = name,
        srcs = srcs,
        copts = _COPTS,
        local_defines = _DEFINES,
        deps = deps,
    )

def _test(name, srcs, deps, defines = _TEST_DEFINES, **kwargs):
    cc_test(
        name = name,
        srcs = srcs + native.glob(["*.h"], allow_empty = True),
        copts = _COPTS,
        linkstatic = True,
        local_defines = defines,
        deps = deps + _TEST_HEADERS,
        **kwargs
    )

def hookbridge_test(name, srcs, deps, data = [], tags = []):
    """One GoogleTest binary. The tag `tsan` marks what links no gRPC."""
    _test(
        name = name,
        srcs = srcs,
        data = data,
        tags = tags,
        deps = deps + ["@system//gtest:gmock", "@system//gtest:gtest_main"],
    )

def hookbridge_bench(name, deps, data = []):
    """One micro-benchmark; the test only checks that it runs."""
    _test(
        name = name,
        srcs = [name + ".cc"],
        args = ["--benchmark_min_time=0.001"],
        data = data,
        deps = deps + ["@system//benchmark:benchmark_main"],
    )

def hookbridge_fuzzer(name, deps, tags = []):
    """A libFuzzer binary for --config=fuzz, and a test NAME_corpus that runs the folder corpus/."""
    cc_binary(
        name = name,
        srcs = [name + ".cc"],
        copts = _COPTS,
        linkopts = ["-fsanitize=fuzzer"],
        local_defines = _DEFINES,
        tags = ["manual"],
        deps = deps + _TEST_HEADERS,
    )
    native.filegroup(
        name = "corpus",
        srcs = native.glob(["corpus/**"], allow_empty = True),
        visibility = ["//tests:__subpackages__"],
    )
    _test(
        name = name + "_corpus",
        srcs = [
            name + ".cc",
            "//tests/fuzz:corpus_main.cc",
        ],
        args = [native.package_name() + "/corpus"],
        data = [":corpus"],
        defines = _DEFINES,
        tags = tags,
        deps = deps,
    )
