"""CMake and Bazel build and test the same. Usage: bazel_parity_test.py SOURCE BUILD

Both builds are told as facts, one line each: a target and its kind, a source, an edge, a flag, a
test's arguments. What only one of them has must match a pattern of DIFFERENCES, and every pattern
something. CMake tells its targets in BUILD/manifest.json and its tests through ctest; BUILD.bazel
files and their macros are Starlark, which Python runs with recorders in place of Bazel's rules.
"""

import json
import pathlib
import re
import subprocess
import sys
import unittest

# What differs, and why.
DIFFERENCES = {
    r"only Bazel: .* (//server/(ingress|journal|rpc):interface|//tests/support:headers)( .*)?":
        "CMake finds every header below the source root; Bazel wants an edge to it, here to headers alone",
    r"only Bazel: \w+ //tests/fuzz/\w+:\w+_fuzzer( .*)?":
        "CMake builds the libFuzzer binaries in the preset `fuzz`; in Bazel they are `manual`, for --config=fuzz",
    r"only CMake: command bazel_parity .*":
        "it compares with what CMake configured, which a build by Bazel has not",
}
# A name that cannot follow the rule `hookbridge_NAME in a folder is //folder:NAME`.
NAMES = {"hookbridge_hookctl": "hookctl_lib"}  # //client/hookctl:hookctl is the binary.
COMPARED_SOURCES = (".cc", ".yaml")


def label(folder, name):
    """Bazel's shortest label."""
    return f"//{folder}" if folder.rpartition("/")[2] == name else f"//{folder}:{name}"


def edges(target, names):
    return {f"edge {target} -> {name}" for name in names}


class CMake:
    """The facts of a configured build folder."""

    def __init__(self, source, build, manifest, tests):
        self.source, self.build, self.manifest = source, build, manifest
        self.options = manifest["hookbridge_options"]
        self.commands = {test["name"]: test["command"] for test in tests}
        self.tsan = {test["name"] for test in tests for p in test["properties"]
                     if p["name"] == "LABELS" and "tsan" in p["value"]}

    def label(self, name):
        if name in self.manifest:
            folder = pathlib.Path(self.manifest[name]["SOURCE_DIR"][0]).relative_to(self.source)
            return label(folder.as_posix(), NAMES.get(name, name.removeprefix("hookbridge_")))
        package, _, part = name.lower().partition("::")
        return f"@system//{package}" if part in ("", package) else f"@system//{package}:{part}"

    def path(self, text, folder):
        """Below the source or the build folder, whichever is nearer."""
        path = pathlib.Path(folder, text)
        root = self.build if path.is_relative_to(self.build) else self.source
        return path.relative_to(root).as_posix().replace("proto/gen/", "proto/")

    def facts(self):
        facts = set()
        for name, target in self.manifest.items():
            if target["TYPE"] != ["INTERFACE_LIBRARY"]:
                facts |= self.target_facts(name, target)
        for name, command in self.commands.items():
            if name not in self.manifest:
                facts.add(f"command {name} {' '.join(self.arguments(command))}")
        return facts

    def target_facts(self, name, target):
        at = self.label(name)
        links = [link for link in target["LINK_LIBRARIES"] if link != "hookbridge::options"]
        private = re.findall(r"\$<LINK_ONLY:([^>]*)>", ";".join(target["INTERFACE_LINK_LIBRARIES"]))
        defines = list(target["COMPILE_DEFINITIONS"])
        facts = edges(at, map(self.label, links))
        facts |= {f"private {at} -> {self.label(link)}" for link in private if link in links}
        facts |= {f"source {at} {path}" for path in (self.path(s, target["SOURCE_DIR"][0]) for s in target["SOURCES"])
                  if path.endswith(COMPARED_SOURCES)}
        if len(links) < len(target["LINK_LIBRARIES"]):
            defines += self.options["INTERFACE_COMPILE_DEFINITIONS"]
            text = ";".join(self.options["INTERFACE_COMPILE_OPTIONS"])
            facts |= {f"flag {at} {flag}" for flag in re.findall(r"-[Wf][\w-]+", text)}
        facts |= {f"define {at} {define.partition('=')[0]}" for define in defines}
        # A test is named after its binary.
        if name in self.commands:
            facts.add(f"test {at} {' '.join(self.arguments(self.commands[name][1:]))}".rstrip())
            facts |= {f"tag {at} tsan"} if name in self.tsan else set()
        else:
            facts.add(f"{'binary' if target['TYPE'] == ['EXECUTABLE'] else 'library'} {at}")
        return facts

    def arguments(self, command):
        return [self.path(a, self.source) if a.startswith("/") and pathlib.Path(a).is_relative_to(self.source) else a
                for a in command]


class Bazel:
    """The facts of the BUILD.bazel files below a folder."""

    def __init__(self, read):
        self.read = read
        self.modules = {}
        self.package = ""
        self.facts = set()
        self.generated = {}

    def load_package(self, package):
        self.package = package
        self.run(f"{package}/BUILD.bazel", dict.fromkeys(
            ("package", "exports_files", "filegroup", "config_setting"), lambda *a, **k: None))

    def run(self, path, names):
        scope = {**names, "select": self.select, "glob": lambda patterns: [], "genrule": self.genrule,
                 "native": self, "rule": lambda **kwargs: self.source_test, "attr": self}
        scope["load"] = lambda label, *symbols: scope.update(
            {symbol: self.symbol(label, symbol) for symbol in symbols})
        exec(compile(self.read(path), path, "exec"), scope)
        return scope

    def symbol(self, module, name):
        if module.startswith("@rules_cc"):
            return getattr(self, name)
        path = module.removeprefix("//").replace(":", "/")
        if path not in self.modules:
            self.modules[path] = self.run(path, {})
        macro = self.modules[path][name]

        def call(**kwargs):
            private = kwargs.get("implementation_deps", [])
            self.facts |= {f"private {self.here(kwargs['name'])} -> {self.full(dep)}" for dep in private}
            macro(**kwargs)
        return call

    # What the macros ask of `native` and `attr`.
    def package_name(self):
        return self.package

    def glob(self, patterns, **kwargs):
        return []

    def string_list(self, **kwargs):
        return None

    label = label_list = filegroup = string_list

    def select(self, branches):
        return sum(branches.values(), [])

    def here(self, name):
        return label(self.package, name)

    def full(self, text):
        """A label in its shortest form."""
        repository, slashes, rest = text.partition("//")
        package, _, name = rest.partition(":") if slashes else (self.package, "", text.removeprefix(":"))
        return repository * bool(slashes) + label(package, name or package.rpartition("/")[2])

    def genrule(self, name, srcs, outs, **kwargs):
        for out in outs:
            self.generated[f"{self.package}/{out}"] = [f"{self.package}/{src}" for src in srcs]

    def cc_library(self, **kwargs):
        self.target("library", **kwargs)

    def cc_binary(self, **kwargs):
        self.target("binary", **kwargs)

    def cc_test(self, **kwargs):
        self.target("test", **kwargs)

    def target(self, kind, name, srcs=(), deps=(), copts=(), local_defines=(), args=(), tags=(), **kwargs):
        at = self.here(name)
        self.facts |= edges(at, map(self.full, deps))
        for src in srcs:
            path = src[2:].replace(":", "/") if src.startswith("//") else f"{self.package}/{src}"
            self.facts |= {f"source {at} {file}" for file in [path, *self.generated.get(path, [])]
                           if file.endswith(COMPARED_SOURCES)}
        self.facts |= {f"flag {at} {flag}" for flag in copts}
        self.facts |= {f"define {at} {define.partition('=')[0]}" for define in local_defines}
        self.facts |= {f"tag {at} {tag}" for tag in tags if tag == "tsan"}
        self.facts.add(f"{kind} {at} {' '.join(args)}".rstrip())

    def source_test(self, name, command, **kwargs):
        self.facts.add(f"command {name} {' '.join(command)}")


def unexplained(cmake, bazel, differences):
    """Facts of one build alone that no pattern explains, and patterns that explain none."""
    lines = [f"only CMake: {fact}" for fact in cmake - bazel] + [f"only Bazel: {fact}" for fact in bazel - cmake]
    idle = [f"explains nothing: {p}" for p in differences if not any(re.fullmatch(p, line) for line in lines)]
    return sorted(line for line in lines if not any(re.fullmatch(p, line) for p in differences)) + idle


def bazel_facts(source):
    bazel = Bazel(lambda path: (source / path).read_text())
    ignored = (source / ".bazelignore").read_text().split()
    for file in sorted(source.rglob("BUILD.bazel")):
        package = file.parent.relative_to(source).as_posix()
        if not any(package == folder or package.startswith(folder + "/") for folder in ignored):
            bazel.load_package(package)
    return bazel.facts


def cmake_facts(source, build):
    tests = json.loads(subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True,
                                      capture_output=True, text=True).stdout)["tests"]
    # ctest does not tell the arguments of a binary that is not there.
    unbuilt = [test["name"] for test in tests if "command" not in test]
    if unbuilt:
        raise AssertionError(f"build these first: {', '.join(unbuilt)}")
    return CMake(source, build, json.loads((build / "manifest.json").read_text()), tests).facts()


class ParityTest(unittest.TestCase):
    def test_cmake_and_bazel_have_the_same_targets_sources_edges_flags_and_tests(self):
        cmake, bazel = cmake_facts(SOURCE, BUILD), bazel_facts(SOURCE)
        for kind in ("library", "binary", "test", "command", "source", "edge", "private"):
            print(f"{kind}: {sum(fact.startswith(kind + ' ') for fact in bazel)}", end="; ")
        self.assertEqual(unexplained(cmake, bazel, DIFFERENCES), [])


# A room, its test and a command, as each build has them.
ROOM_BUILD = """
load("//bazel:hookbridge.bzl", "hookbridge_library", "hookbridge_test")
load("//bazel:source_test.bzl", "source_test")
hookbridge_library(name = "room", srcs = ["a.cc", "b.cc"], deps = ["//base"],
                   implementation_deps = ["@system//openssl:ssl"])
hookbridge_test(name = "room_test", srcs = ["room_test.cc"], tags = ["tsan"], deps = [":room"])
source_test(name = "lint", command = ["lint", "room"])
"""
ROOM_MANIFEST = {
    "hookbridge_base": {"TYPE": ["STATIC_LIBRARY"], "SOURCE_DIR": ["/s/base"]},
    "hookbridge_room": {"TYPE": ["STATIC_LIBRARY"], "SOURCE_DIR": ["/s/room"], "SOURCES": ["a.cc", "/s/room/b.cc"],
                        "LINK_LIBRARIES": ["hookbridge_base", "hookbridge::options", "OpenSSL::SSL"],
                        "INTERFACE_LINK_LIBRARIES": ["hookbridge_base", "$<LINK_ONLY:OpenSSL::SSL>"]},
    "room_test": {"TYPE": ["EXECUTABLE"], "SOURCE_DIR": ["/s/room"], "SOURCES": ["room_test.cc"],
                  "LINK_LIBRARIES": ["hookbridge_room", "hookbridge::options", "GTest::gmock", "GTest::gtest_main"],
                  "COMPILE_DEFINITIONS": ["HOOKBRIDGE_SOURCE_DIR=/s"]},
}
ROOM_TESTS = [
    {"name": "room_test", "command": ["/b/room/room_test"], "properties": [{"name": "LABELS", "value": ["tsan"]}]},
    {"name": "lint", "command": ["lint", "/s/room"], "properties": []},
]
ROOM_DIFFERENCES = {r"only Bazel: .* //tests/support:headers": "headers alone", r"only CMake: library //base": "empty"}


class ParityOfARoomTest(unittest.TestCase):
    """What the comparison finds when one of the two builds changes."""

    def compare(self, old="", new="", change_cmake=lambda manifest, tests: None):
        files = {"room/BUILD.bazel": ROOM_BUILD.replace(old, new)}
        bazel = Bazel(lambda path: files.get(path) or (SOURCE / path).read_text())
        bazel.load_package("room")
        real = json.loads((BUILD / "manifest.json").read_text())["hookbridge_options"]
        fields = dict.fromkeys(real, [])
        manifest = {name: {**fields, **target} for name, target in ROOM_MANIFEST.items()}
        tests = list(ROOM_TESTS)
        change_cmake(manifest, tests)
        cmake = CMake(pathlib.Path("/s"), pathlib.Path("/b"), {"hookbridge_options": real, **manifest}, tests)
        return unexplained(cmake.facts(), bazel.facts, ROOM_DIFFERENCES)

    def test_nothing_where_they_are_the_same(self):
        self.assertEqual(self.compare(), [])

    def test_what_bazel_has_lost_or_gained(self):
        for old, new, found in [
            (', "b.cc"', "", ["only CMake: source //room room/b.cc"]),
            ('"b.cc"', '"b.cc", "c.cc"', ["only Bazel: source //room room/c.cc"]),
            ('["//base"]', "[]", ["only CMake: edge //room -> //base"]),
            ('["//base"]', '["//base", "//roof"]', ["only Bazel: edge //room -> //roof"]),
            ('"@system//openssl:ssl"', "", ["only CMake: edge //room -> @system//openssl:ssl",
                                            "only CMake: private //room -> @system//openssl:ssl"]),
            ('deps = ["//base"],\n', 'deps = [], implementation_deps = ["//base", "@system//openssl:ssl"])#',
             ["only Bazel: private //room -> //base"]),
            (', tags = ["tsan"]', "", ["only CMake: tag //room:room_test tsan"]),
            ('"lint", "room"', '"lint"', ["only Bazel: command lint lint", "only CMake: command lint lint room"]),
            ('"lint", c', '"lint2", c', ["only Bazel: command lint2 lint room", "only CMake: command lint lint room"]),
        ]:
            with self.subTest(old=old, new=new):
                self.assertEqual(self.compare(old, new), found)

    def test_a_test_that_bazel_has_lost(self):
        found = self.compare(re.search(r"hookbridge_test\(name.*\n", ROOM_BUILD).group())
        self.assertIn("only CMake: test //room:room_test", found)

    def test_what_cmake_has_lost(self):
        def no_test(manifest, tests):
            del manifest["room_test"], tests[0]
        self.assertIn("only Bazel: test //room:room_test", self.compare(change_cmake=no_test))

        def no_options(manifest, tests):
            manifest["hookbridge_room"]["LINK_LIBRARIES"] = ["hookbridge_base", "OpenSSL::SSL"]
        self.assertIn("only Bazel: flag //room -Werror", self.compare(change_cmake=no_options))

        def no_command(manifest, tests):
            del tests[1]
        self.assertEqual(self.compare(change_cmake=no_command), ["only Bazel: command lint lint room"])

    def test_a_reason_for_nothing(self):
        self.assertEqual(unexplained({"a"}, {"a"}, {"only Bazel: b": "why"}), ["explains nothing: only Bazel: b"])
        self.assertEqual(unexplained({"a"}, {"a", "b"}, {"only Bazel: b": "why"}), [])


if __name__ == "__main__":
    SOURCE, BUILD = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(2))
    unittest.main()
