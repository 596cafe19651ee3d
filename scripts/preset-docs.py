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
with `{"id": "…"}` unless another body is stated, and 503 with `Retry-After` means: not stored for sure, send again.

**Event id**: equal for a retry and different for another webhook, by the provider's own words. Another body under a known
id is an event too, unless stated; without an id equal bodies are two events, unless a window is stated
([sources](sources.md#which-event-is-it)).
"""


def section(path):
    text = path.read_text()
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line[2:] if line.startswith("# ") else "")
    rows = [("Needs", ", ".join(needs(text)))]
    for name, pattern in (("Event id", block("  id")), ("Event type", block("  type")),
                          ("Time window", r"^timestamp: .*?max_age: (\w+), max_future: (\w+)"),
                          ("Answers", block("responses")), ("Remembered for", r"^dedup_window: (\w+)"),
                          ("Another body under a known id", r"^on_id_conflict: (\w+)"),
                          ("Equal bodies without an id are one event for", r"^same_body_window: (\w+)")):
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            values = [" ".join(re.sub(r" +# .*", "", group).split()).replace("|", "\\|")
                      for group in found.groups()]
            rows.append((name, " past, ".join(values) + (" future" if len(values) > 1 else "")))
    if "Event id" not in dict(rows):
        rows.insert(1, ("Event id", "made of the event's parts and the body's SHA-256"
                        if "same_body_window" in text else "made for each request"))
    table = "\n".join(f"| {name} | `{value}` |" if name not in ("Needs",) and not value.startswith("made")
                      else f"| {name} | {value} |" for name, value in rows)
    return f"## {path.stem}\n\n" + "\n".join(comment) + f"\n\n| | |\n|---|---|\n{table}\n"


def block(name):
    """A field's value on its line, or on the deeper lines that follow."""
    deeper = re.match(" *", name).group() + "  "
    return rf"^{name}: ?(.*(?:\n{deeper}.*)*)$"


def needs(text):
    certified = re.search(r"^certificate:", text, re.MULTILINE)
    found = ["no key: the provider's certificate is fetched"] if certified else ["a key"]
    rules = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    if "key_set:" in rules and "{secret}" not in rules:
        found = ["no key: the provider's keys are fetched"]
    if "learn_key: true" in text:
        found = ["`learned_key`, or a key"]
    if "kind: aws_sns" in text:
        found.append("`topic_arns`")
    found += [f"`values: {{{name}: ...}}`" for name in dict.fromkeys(re.findall(r"\bconfig: ?(\w+)", rules))]
    if re.search(r"url(_decoded)?: true|kind: twilio", text):
        found.append("`public_url`, exactly as the provider was given it")
    if re.search(r"token_parameter|equals_token|\{token: true\}", text):
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
