#!/usr/bin/env python3
"""Writes docs/presets.md from server/verify/presets/*.yaml. With --check: fails when it is out of date."""

import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TARGET = SOURCE / "docs" / "presets.md"
HEAD = """# Presets

Made by `scripts/preset-docs.py` from the presets themselves, which `hookctl presets show NAME` prints whole. In a
configuration: `preset: NAME`, the secret under `keys`, and what the table names beside it.

A refused request is answered 401 unless stated, an unreadable one is stored, a stored or repeated one is answered 200
with `{"id": "…"}`, and 503 with `Retry-After` means: not stored for sure, send again.
"""


def section(path):
    text = path.read_text()
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line[2:] if line.startswith("# ") else "")
    rows = [("Needs", ", ".join(needs(text)))]
    for name, pattern in (("Event id", r"^  id: (.*)$"), ("Event type", r"^  type: (.*)$"),
                          ("Time window", r"^timestamp: .*?max_age: (\w+), max_future: (\w+)"),
                          ("Answers", r"^responses: (.*)$"), ("Remembered for", r"^dedup_window: (\w+)")):
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            rows.append((name, " past, ".join(found.groups()) + (" future" if len(found.groups()) > 1 else "")))
    if "Event id" not in dict(rows):
        rows.insert(1, ("Event id", "made of the event's parts and the body's SHA-256"))
    table = "\n".join(f"| {name} | `{value}` |" if name not in ("Needs",) and not value.startswith("made")
                      else f"| {name} | {value} |" for name, value in rows)
    return f"## {path.stem}\n\n" + "\n".join(comment) + f"\n\n| | |\n|---|---|\n{table}\n"


def needs(text):
    certified = re.search(r"^certificate:", text, re.MULTILINE)
    found = ["no key: the provider's certificate is fetched"] if certified else ["a key"]
    if "kind: aws_sns" in text:
        found.append("`topic_arns`")
    found += [f"`values: {{{name}: ...}}`" for name in re.findall(r"- config: (\w+)", text)]
    if re.search(r"url(_decoded)?: true|kind: twilio", text):
        found.append("`public_url`, exactly as the provider was given it")
    if "token_parameter" in text:
        found.append("`handshake_token`")
    if "key_id_header" in text:
        found.append("the key's `id` as the provider names it")
    return found


def main():
    page = HEAD + "\n" + "\n".join(section(p) for p in sorted((SOURCE / "server/verify/presets").glob("*.yaml")))
    if "--check" in sys.argv:
        return 0 if TARGET.is_file() and TARGET.read_text() == page else 1
    TARGET.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
