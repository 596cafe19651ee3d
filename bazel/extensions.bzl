"""@system for MODULE.bazel."""

load("//bazel:system.bzl", _system = "system")

system = module_extension(implementation = lambda mctx: _system(name = "system"))
