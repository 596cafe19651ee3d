"""What Bazel 4 looks for and the distribution has not: tiny repositories made of text."""

def _text_repository_impl(rctx):
    for path, text in rctx.attr.files.items():
        rctx.file(path, text)

text_repository = repository_rule(
    implementation = _text_repository_impl,
    attrs = {"files": attr.string_dict(mandatory = True)},
)
