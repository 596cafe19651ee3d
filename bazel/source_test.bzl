"""A test that runs a command in the source tree, as ctest does."""

_SCRIPT = """#!/bin/sh
# {label}: binaries from the runfiles, everything else from the source tree.
export HOOKBRIDGE_BUILD="$PWD"
cd "$(dirname "$(readlink -f {root})")" && exec {command}
"""

def _source_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(script, _SCRIPT.format(
        command = " ".join(ctx.attr.command),
        label = ctx.label,
        root = ctx.file._root.short_path,
    ), is_executable = True)
    runfiles = ctx.runfiles(files = [ctx.file._root] + ctx.files.data)
    return [DefaultInfo(executable = script, runfiles = runfiles)]

_source_test = rule(
    implementation = _source_test_impl,
    attrs = {
        "command": attr.string_list(mandatory = True),
        "data": attr.label_list(allow_files = True),
        "_root": attr.label(default = "//:MODULE.bazel", allow_single_file = True),
    },
    test = True,
)

def source_test(name, command, data = [], **kwargs):
    _source_test(
        name = name,
        command = command,
        data = data,
        # It reads the tree, .cache/tools and the loopback, of which Bazel knows nothing: it always runs anew.
        tags = ["external", "local"],
        **kwargs
    )
