"""The distribution's libraries and protoc as the repository @system. Nothing is downloaded.

CMake's `Name::part` is `@system//name:part`, in lower case.
"""

# Target: module of pkg-config.
_MODULES = {
    "absl:any_invocable": "absl_any_invocable",
    "absl:cord": "absl_cord",
    "absl:flat_hash_map": "absl_flat_hash_map",
    "absl:random_random": "absl_random_random",
    "absl:status": "absl_status",
    "absl:statusor": "absl_statusor",
    "absl:strings": "absl_strings",
    "absl:time": "absl_time",
    "grpc:grpc++": "grpc++",
    "gtest:gmock": "gmock",
    "gtest:gtest_main": "gtest_main",
    "libbrotlidec:libbrotlidec": "libbrotlidec",
    "libbrotlienc:libbrotlienc": "libbrotlienc",
    "libzstd:libzstd": "libzstd",
    "openssl:crypto": "libcrypto",
    "openssl:ssl": "libssl",
    "protobuf:libprotobuf": "protobuf",
    "rocksdb:rocksdb-shared": "rocksdb",
    "yaml-cpp:yaml-cpp": "yaml-cpp",
    "zlib:zlib": "zlib",
}

# Target: link options of what has no module.
_PLAIN = {
    "benchmark:benchmark_main": ["-lbenchmark_main", "-lbenchmark"],
    "boost:headers": [],
    "boost:json": ["-lboost_json"],
    "grpc:grpc++_reflection": ["-lgrpc++_reflection"],
    "mimalloc:mimalloc": ["-lmimalloc"],
    "threads:threads": ["-pthread"],
}

_PROGRAMS = {
    "grpc:grpc_cpp_plugin": "grpc_cpp_plugin",
    "protobuf:protoc": "protoc",
}

_HEADER = """load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

_LIBRARY = """
cc_library(
    name = "{name}",
    defines = {defines},
    linkopts = {linkopts},
)
"""

def _flags(rctx, module):
    result = rctx.execute(["pkg-config", "--cflags", "--libs", module])
    if result.return_code != 0:
        fail("pkg-config does not know %s; scripts/install-deps.sh bazel installs it" % module)
    flags = [flag for flag in result.stdout.split(" ") if flag.strip()]
    if [flag for flag in flags if flag.startswith("-I")]:
        fail("%s has headers outside of the compiler's own folders: %s" % (module, flags))
    return flags

def _system_impl(rctx):
    libraries = dict(_PLAIN)
    for target, module in _MODULES.items():
        libraries[target] = _flags(rctx, module)
    files = {}
    for target, flags in libraries.items():
        folder, name = target.split(":")
        files[folder] = files.get(folder, _HEADER) + _LIBRARY.format(
            name = name,
            defines = [flag[2:] for flag in flags if flag.startswith("-D")],
            linkopts = [flag.strip() for flag in flags if not flag.startswith("-D")],
        )
    for target, program in _PROGRAMS.items():
        folder, name = target.split(":")
        path = rctx.which(program)
        if not path:
            fail("there is no %s; scripts/install-deps.sh bazel installs it" % program)
        rctx.symlink(path, folder + "/" + name)
        files[folder] += "\nexports_files([\"%s\"])\n" % name
    health = "grpc/health/v1/health.proto"
    rctx.symlink("/usr/share/grpc-proto/" + health, "grpc-proto/" + health)
    files["grpc-proto"] = "exports_files([\"%s\"])\n" % health
    for folder, text in files.items():
        rctx.file(folder + "/BUILD.bazel", text)

system = repository_rule(
    implementation = _system_impl,
    configure = True,
    environ = ["PATH", "PKG_CONFIG_PATH"],
    local = True,
)
