"""Presets whose webhooks come as forms: multipart or not, with JSON in a field or without."""

import base64
import hashlib
import json
import time
import unittest
import urllib.parse

from harness import CONFIG
from provider_signing import KEY, URL, SchemesTest, b64, mac

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PRESETS = ("dropbox_sign", "github", "mailgun_routes", "mandrill", "slack")


def multipart(fields, files=()):
    """A body and its Content-Type; a file is (name, file name, type, bytes)."""
    lines = []
    for name, value in fields.items():
        lines += [b"--limit", f'Content-Disposition: form-data; name="{name}"'.encode(), b"", value.encode()]
    for name, file_name, kind, content in files:
        lines += [b"--limit", f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"'.encode(),
                  b"Content-Type: " + kind.encode(), b"", content]
    return b"\r\n".join(lines + [b"--limit--", b""]), {"Content-Type": "multipart/form-data; boundary=limit"}


def config_text():
    text = "sources:\n"
    for preset in PRESETS:
        name = preset.replace("_", "-")
        text += f"  - {{name: {name}, preset: {preset}, keys: [{{secret: 'inline:{KEY}'}}], public_url: '{URL}{name}'}}\n"
    return CONFIG.split("sources:")[0] + text.replace("{", "{{").replace("}", "}}")


def slack_headers(body, now, key=KEY):
    signed = f"v0:{int(now)}:".encode() + body
    return {"X-Slack-Request-Timestamp": str(int(now)), "X-Slack-Signature": "v0=" + mac(key.encode(), signed).hex()}


class FormPresetsTest(SchemesTest):
    config = config_text()

    def events(self):
        return [d["event"] for d in self.bridge.read_all()]

    # Events, interactivity and commands of an app at one URL.
    def test_slack(self):
        now = time.time()
        action = {"type": "block_actions", "team": {"id": "T1"}, "channel": {"id": "C1"}, "trigger_id": "1.2"}
        requests = ((b'{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention","channel":"C1"}}',
                     {"Content-Type": "application/json"}),
                    (urllib.parse.urlencode({"payload": json.dumps(action)}).encode(), FORM),
                    (urllib.parse.urlencode({"command": "/weather", "text": "94070", "channel_id": "C2"}).encode(), FORM))
        for body, kind in requests:
            self.assertEqual(self.send("slack", body, {**kind, **slack_headers(body, now, "other")}), 401)
            status, answer = self.bridge.post("/hooks/slack", body, {**kind, **slack_headers(body, now)})
            self.assertEqual((status, answer), (200, b""), "nothing else closes a view")
        events = self.events()
        self.assertEqual([e["type"] for e in events], ["app_mention", "block_actions", "/weather"])
        self.assertEqual([e["ordering_key"] for e in events], ["C1", "C1", "C2"])
        self.assertEqual(events[1]["json"]["trigger_id"], "1.2")
        self.assertEqual(events[2]["json"]["text"], "94070")

    def test_github_as_a_form(self):
        payload = json.dumps({"action": "opened", "repository": {"full_name": "o/r"}})
        body = urllib.parse.urlencode({"payload": payload}).encode()
        def headers(key):
            return {**FORM, "X-Hub-Signature-256": "sha256=" + mac(key, body).hex(), "X-GitHub-Event": "issues",
                    "X-GitHub-Delivery": "d1"}
        self.assertEqual(self.send("github", body, headers(b"other")), 401)
        self.assertEqual(self.send("github", body, headers(KEY.encode())), 200)
        [event] = self.events()
        self.assertEqual((event["type"], event["subject"], event["attributes"]["action"]), ("issues", "o/r", "opened"))
        self.assertEqual(event["json"], json.loads(payload))

    def test_mailgun_routes(self):
        now = time.time()
        def fields(token, key=KEY, stamp=now):
            signature = mac(key.encode(), f"{int(stamp)}{token}".encode()).hex()
            return {"recipient": "shop@example.com", "sender": "a@example.com", "subject": "Käse", "body-plain": "Hello",
                    "Message-Id": f"<{token}@example.com>", "timestamp": str(int(stamp)), "token": token,
                    "signature": signature}
        def form(*arguments, **more):
            return urllib.parse.urlencode(fields(*arguments, **more)).encode()
        for bad in (form("t0", key="other"), form("t0", stamp=now - 86400), form("t0").replace(b"token=t0", b"token=t1"),
                    form("t0") + b"&token=t0", b"", b"signature=00"):
            self.assertEqual(self.send("mailgun_routes", bad, FORM), 401, bad)
        self.assertEqual(self.send("mailgun_routes", form("t1"), FORM), 200)
        attachment = ("attachment-1", "a.bin", "application/octet-stream", b"\x00\xff")
        body, kind = multipart(fields("t2"), [attachment])
        self.assertEqual(self.send("mailgun_routes", body, kind), 200)
        self.assertEqual(self.send("mailgun_routes", body.replace(b"Hello", b"Other"), kind), 200, "is dropped")
        body, kind = multipart(fields("t3", key="other"), [attachment])
        self.assertEqual(self.send("mailgun_routes", body, kind), 401)
        first, second = self.events()
        self.assertEqual([(e["type"], e["dedup_key"]) for e in (first, second)],
                         [("message.received", "t1"), ("message.received", "t2")])
        self.assertEqual(second["attributes"]["message"], "<t2@example.com>")
        self.assertEqual((second["json"]["subject"], second["json"]["body-plain"]), ("Käse", "Hello"))

    def test_mandrill(self):
        batch = [{"event": "open", "_id": "m1", "ts": 1767225600, "msg": {"_id": "m1"}},
                 {"event": "click", "_id": "m1", "ts": 1767225601, "msg": {"_id": "m1"}}]
        def signed(key, **fields):
            text = URL + "mandrill" + "".join(name + fields[name] for name in sorted(fields))
            return {**FORM, "X-Mandrill-Signature": b64(mac(key.encode(), text.encode(), "sha1"))}
        events = json.dumps(batch)
        body = urllib.parse.urlencode({"mandrill_events": events}).encode()
        self.assertEqual(self.send("mandrill", body, signed("other", mandrill_events=events)), 401)
        self.assertEqual(self.send("mandrill", body + b"&more=1", signed(KEY, mandrill_events=events)), 401)
        self.assertEqual(self.send("mandrill", body, signed(KEY, mandrill_events=events)), 200)
        more = urllib.parse.urlencode({"zeta": "1", "mandrill_events": events}).encode()
        self.assertEqual(self.send("mandrill", more, signed(KEY, mandrill_events=events, zeta="1")), 200, "its retry")
        self.assertEqual([(e["type"], e["dedup_key"]) for e in self.events()],
                         [("open", "open:m1:1767225600"), ("click", "click:m1:1767225601")])
        connection = self.bridge.connect()
        connection.request("HEAD", "/hooks/mandrill")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_dropbox_sign(self):
        def event(request, kind="signature_request_viewed", key=KEY):
            return json.dumps({
                "event": {"event_time": "1769860800", "event_type": kind, "event_metadata": {"related_signature_id": "s1"},
                          "event_hash": mac(key.encode(), f"1769860800{kind}".encode()).hex()},
                "signature_request": {"signature_request_id": request}})
        def post(text):
            body, kind = multipart({"json": text})
            return self.bridge.post("/hooks/dropbox-sign", body, kind)
        for bad in (event("r1", key="other"), event("r1").replace("viewed", "signed"), "{}", "no json"):
            self.assertEqual(post(bad)[0], 401, bad)
        for request in ("r1", "r2", "r1"):
            self.assertEqual(post(event(request)), (200, b"Hello API Event Received"))
        events = self.events()
        self.assertEqual([e["subject"] for e in events], ["r1", "r2"], "two of one type in one second, and a retry")
        self.assertEqual(events[0]["type"], "signature_request_viewed")
        self.assertEqual(events[0]["json"]["signature_request"]["signature_request_id"], "r1")


if __name__ == "__main__":
    unittest.main()
