"""C++ from protos by the distribution's protoc."""

load("@rules_cc//cc:defs.bzl", "cc_library")

_PROTOC = "@system//protobuf:protoc"
_PLUGIN = "@system//grpc:grpc_cpp_plugin"

def _generate(proto, suffix, options, imports):
    # Its path for `import` is its path inside its package.
    path = proto.split(":")[-1]
    base = path[:-len(".proto")] + suffix
    native.genrule(
        name = base,
        srcs = [proto] + [label for label in imports if label != proto],
        outs = [base + ".cc", base + ".h"],
        cmd = "file=$(execpath {proto}) && $(execpath {protoc}) -I$${{file%/{path}}} {options} {path}".format(
            options = options,
            path = path,
            proto = proto,
            protoc = _PROTOC,
        ),
        tools = [_PROTOC, _PLUGIN],
    )
    return base

def hookbridge_protos(name, messages = [], services = [], imports = [], deps = []):
    """A library of the messages of some protos and of the gRPC stubs of others.

    `imports` are protos of this package that they may import.
    """
    bases = [_generate(proto, ".pb", "--cpp_out=$(RULEDIR)", imports) for proto in messages] + [
        _generate(proto, ".grpc.pb", "--plugin=protoc-gen-grpc=$(execpath %s) --grpc_out=$(RULEDIR)" % _PLUGIN, imports)
        for proto in services
    ]
    cc_library(
        name = name,
        srcs = [base + ".cc" for base in bases],
        hdrs = [base + ".h" for base in bases],
        includes = ["."],
        linkstatic = True,
        deps = deps,
    )
