"""Rules that a tool can check: who includes whom, banned calls, sizes. Usage: style_test.py SOURCE"""

import json
import pathlib
import re
import sys
import unittest

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
CODE = sorted(p for room in ("server", "client", "tests") for p in (SOURCE / room).rglob("*")
              if p.suffix in (".cc", ".h") and p.is_file())
INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]', re.MULTILINE)

# Call, where it may stand, why not elsewhere.
BANNED = [
    (r"absl::Now\(", ["server/base/clock.h"], "time is an argument: take a Clock"),
    (r"\bmemcmp\(|CRYPTO_memcmp|strcmp\(", ["server/verify/internal/constant_time.h"],
     "secrets are compared by SecretsEqual alone"),
    (r"std::regex|\brand\(\)|\bsystem\(", [], "not here"),
    (r"std::cout|std::cerr|\bprintf\(", ["client/", "tests/", "server/commands.cc", "server/demo.cc"],
     "use the Logger"),
    (r"sleep_for|\busleep\(", [], "wait for what you wait for"),
    (r"\bcatch \(", ["server/base/internal/yaml_tree.cc"], "errors are values"),
    # Written apart, so that a search for such marks finds none here.
    (r"TO" r"DO|FIX" r"ME|XX" r"X", [], "write an issue"),
]
LINES_MAX = {".h": 200, ".cc": 450}
TEST_LINES_MAX = 600
COLUMNS_MAX = 100


def name_of(path):
    return path.relative_to(SOURCE).as_posix()


def without_comments(text):
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


class StyleTest(unittest.TestCase):
    def test_rooms_include_only_what_they_may(self):
        table = json.loads((SOURCE / "tests/style/rooms.json").read_text())
        wrong = []
        for room, may in table["rooms"].items():
            for path in (p for p in CODE if name_of(p).startswith(room + "/")):
                for _, header in INCLUDE.findall(path.read_text()):
                    if "/" not in header or header.startswith("sys/"):
                        continue
                    allowed = may["project"] + may["third_party"] + table["everywhere"]
                    if not any(header.startswith(prefix) for prefix in allowed):
                        wrong.append(f"{name_of(path)} includes {header}")
        self.assertEqual(wrong, [])

    def test_every_folder_of_code_is_a_room_in_the_table(self):
        table = json.loads((SOURCE / "tests/style/rooms.json").read_text())
        rooms = {name_of(p.parent) for p in CODE if not name_of(p).startswith("tests/")}
        unknown = [r for r in rooms if r != "server" and
                   not any(r == room or r.startswith(room + "/") for room in table["rooms"])]
        self.assertEqual(unknown, [])
        self.assertEqual([room for room in table["rooms"] if not (SOURCE / room / "README.md").is_file()], [])

    def test_private_headers_stay_in_their_room(self):
        wrong = []
        for path in (p for p in CODE if not name_of(p).startswith("tests/")):
            for _, header in INCLUDE.findall(path.read_text()):
                if "/internal/" in header and not name_of(path).startswith(header.split("/internal/")[0] + "/"):
                    wrong.append(f"{name_of(path)} includes {header}")
        self.assertEqual(wrong, [])

    def test_banned_calls(self):
        wrong = []
        for path in CODE:
            text = path.read_text() if "tests/" in name_of(path) else without_comments(path.read_text())
            for pattern, allowed, why in BANNED:
                # Tests may compare, print and catch as they like, but not sleep nor read the clock.
                if name_of(path).startswith("tests/") and "Now" not in pattern and "sleep" not in pattern:
                    continue
                if any(name_of(path).startswith(prefix) for prefix in allowed):
                    continue
                for match in re.finditer(pattern, text):
                    line = text[:match.start()].count("\n") + 1
                    wrong.append(f"{name_of(path)}:{line}: {match.group()}: {why}")
        self.assertEqual(wrong, [])

    def test_sizes(self):
        wrong = []
        for path in CODE:
            lines = path.read_text().split("\n")
            most = TEST_LINES_MAX if name_of(path).startswith("tests/") else LINES_MAX[path.suffix]
            if len(lines) > most:
                wrong.append(f"{name_of(path)}: {len(lines)} lines, {most} allowed")
            wrong += [f"{name_of(path)}:{n}: {len(line)} columns" for n, line in enumerate(lines, 1)
                      if len(line) > COLUMNS_MAX and "http" not in line]
        self.assertEqual(wrong, [])

    def test_headers_begin_with_pragma_once(self):
        wrong = [name_of(p) for p in CODE if p.suffix == ".h" and "#pragma once\n" not in p.read_text()[:400]]
        self.assertEqual(wrong, [])

    # Every limit has a name in limits.h and a line in docs/operations.md.
    def test_every_limit_and_reason_is_documented(self):
        operations = (SOURCE / "docs/operations.md").read_text()
        reasons = re.findall(r'"([a-z_]+)"', (SOURCE / "server/base/reason.cc").read_text())
        self.assertGreater(len(reasons), 20)
        self.assertEqual([r for r in reasons if f"`{r}`" not in operations], [])
        fields = re.findall(r"^  (?:uint32|uint64|google\.protobuf\.Duration) (\w+) = \d+;",
                            (SOURCE / "proto/hookbridge/config/v1/config.proto").read_text(), re.MULTILINE)
        self.assertEqual([f for f in fields if f"`{f}`" not in operations], [])

    # What a fuzzer found by itself is named by its hash; what is kept says what it is.
    def test_files_of_a_corpus_have_names(self):
        self.assertEqual([name_of(p) for p in SOURCE.glob("tests/fuzz/*/corpus/*")
                          if re.fullmatch(r"[0-9a-f]{40}", p.name)], [])

    def test_links_in_documents_lead_somewhere(self):
        wrong = []
        for path in [*SOURCE.glob("*.md"), *(SOURCE / "docs").rglob("*.md"), *(SOURCE / "client").rglob("*.md"),
                     *(SOURCE / "server").rglob("*.md"), *(SOURCE / "bazel").rglob("*.md")]:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
                if not target.startswith("http") and not (path.parent / target).exists():
                    wrong.append(f"{name_of(path)}: {target}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
