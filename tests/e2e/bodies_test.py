"""Bodies that are more than JSON: compressed before or after signing, forms with files, JSON in a form's
field, XML, several kinds on one URL, events by GET. Stored by a real bridge, read over gRPC from memory
and again from the disk, where the data is made of the raw request anew."""

import base64
import gzip
import hashlib
import hmac
import json
import os
import struct
import subprocess
import unittest
import zlib

from harness import ADMIN, CONFIG, DELIVERY, HOOKCTL, BridgeTest, environment

KEY = b"a-shared-secret-0123456789"
SIGNED = "{algorithms: [{kind: hmac}], signature: {headers: [X-Sign]}, message: [{body: true}], %s}"
EVENT = "event: {id: [{json_pointer: /id}, {form_field: id}, {xml: /order/id}], type: [{json_pointer: /type}]}"
SOURCES = {
    "wire": SIGNED % ("body_format: by_content_type, " + EVENT),
    "inflated": SIGNED % ("signed_body: inflated, event: {id: [{json_pointer: /id}]}"),
    "field": SIGNED % ("body_format: form, json_field: payload, split: {array: /items}, "
                       "event: {id: [{item_pointer: /id}], subject: [{form_field: account}]}"),
    "getter": "{algorithms: [{kind: hmac}], signature: {query: sign}, body_format: form, events_by_get: true, "
              "message: [{fields: {from: form, except: [sign]}}], event: {id: [{form_field: id}]}}",
}
ZEROS = 25 << 20
# Brotli of 25 MiB of zeros, and of a JSON text, by its own encoder.
BROTLI_ZEROS = base64.b64decode("y///PwAkAOKxQHLv//j//weABEAcFoDu/R////8AkACIwwLQvf+r//8HIAEQhwWge/8A")
BROTLI_JSON = base64.b64decode("ixqAeyJpZCI6ImV2dF9iciIsInR5cGUiOiJpbnZvaWNlLnBhaWQiLCJsaXZlbW9kZSI6ZmFsc2V9Aw==")


def config():
    text = "sources:\n"
    for name, recipe in SOURCES.items():
        text += f"  - {{name: {name}, body_bytes_max: {ZEROS}, keys: [{{secret: 'inline:{KEY.decode()}'}}], recipe: {recipe}}}\n"
    return CONFIG.split("sources:")[0] + text.replace("{", "{{").replace("}", "}}")


def sign(data):
    return hmac.new(KEY, data, hashlib.sha256).hexdigest()


def zstd(blocks):
    """A frame (RFC 8878) of blocks that are one byte repeated, or raw: (size, byte) or bytes."""
    out = b"\x28\xb5\x2f\xfd\x00\x58"  # a window of 2 MiB, no size, no check
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        size, data, kind = (block[0], block[1], 1) if isinstance(block, tuple) else (len(block), block, 0)
        out += struct.pack("<I", size << 3 | kind << 1 | last)[:3] + data
    return out


def raw_deflate(data):
    made = zlib.compressobj(9, zlib.DEFLATED, -15)
    return made.compress(data) + made.flush()


def document(number):
    return json.dumps({"id": f"evt_{number}", "type": "paid", "text": "x" * 100}).encode()


# Read by the address sanitizer alone: what is freed is given back, so that memory can be measured.
os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1"]))


class BodiesTest(BridgeTest):
    config = config()

    def send(self, source, body, headers=None, signed=None):
        headers = {"X-Sign": sign(body if signed is None else signed), **(headers or {})}
        return self.bridge.post(f"/hooks/{source}", body, headers)[0]

    def events(self):
        """From memory, and again from the disk: the data is the same."""
        def read():
            read = {"preset": "START_PRESET_EARLIEST", "stop_at_end": True}
            messages = self.bridge.call(DELIVERY, "Subscribe", {"cursor_read": read, "payload_view": "PAYLOAD_VIEW_FULL"})
            return [d["event"] for m in messages for d in m.get("batch", {}).get("deliveries", [])]
        first = read()
        self.bridge.kill9()
        self.bridge.start()
        self.assertEqual(read(), first)
        return {e["dedup_key"]: e for e in first}

    def rejected(self, source):
        [answer] = self.bridge.call(ADMIN, "ListRejections", {"page_size": 100})
        return [r["reason"] for r in answer["rejections"] if r["source"] == source]

    def rss(self):
        with open(f"/proc/{self.bridge.process.pid}/status") as status:
            return {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith("VmHWM")}["VmHWM"]

    def test_compressed_after_signing_and_before(self):
        coded = {"gzip": gzip.compress(document(1)), "deflate": zlib.compress(document(2)),
                 "zstd": zstd([document(3)]), "br": BROTLI_JSON, "x-gzip": gzip.compress(document(4)) }
        for coding, wire in coded.items():
            self.assertEqual(self.send("wire", wire, {"Content-Encoding": coding}), 200, coding)
        self.assertEqual(self.send("wire", raw_deflate(document(5)), {"Content-Encoding": "deflate"}), 200)
        self.assertEqual(self.send("inflated", gzip.compress(document(6)), {"Content-Encoding": "gzip"},
                                   signed=document(6)), 200)
        self.assertEqual(self.send("inflated", gzip.compress(document(7)), {"Content-Encoding": "gzip"}), 401)
        self.assertEqual(self.send("wire", document(8), {"Content-Encoding": "gzip"}), 415)
        self.assertEqual(self.send("wire", gzip.compress(document(8)), {"Content-Encoding": "gzip, gzip"}), 415)
        self.assertEqual(self.send("wire", gzip.compress(document(8))[:-4], {"Content-Encoding": "gzip"}), 415)
        events = self.events()
        self.assertEqual(set(events), {"evt_br"} | {f"evt_{n}" for n in range(1, 7)})
        for key, event in events.items():
            self.assertEqual(event["json"]["id"], key)
        self.assertEqual(base64.b64decode(events["evt_1"]["raw"]["body"]), coded["gzip"])
        [encoding] = [h for h in events["evt_1"]["raw"]["headers"] if h["name"] == "Content-Encoding"]
        self.assertEqual(base64.b64decode(encoding["value"]), b"gzip")

    # 25 MiB of zeros: refused at the ratio, at a price of a few MiB.
    def test_bombs_cost_their_bound(self):
        bombs = {"gzip": gzip.compress(bytes(ZEROS)), "br": BROTLI_ZEROS,
                 "zstd": zstd([(128 << 10, b"\0")] * (ZEROS >> 17))}
        self.assertEqual(self.send("wire", document(0)), 200)
        before = self.rss()
        for coding, wire in bombs.items():
            self.assertLess(len(wire), 26 << 10)
            for source in ("wire", "inflated"):
                for _ in range(4):
                    self.assertEqual(self.send(source, wire, {"Content-Encoding": coding}), 413, coding)
        print(f"peak of memory: {before} kB before, {self.rss()} kB after 24 bombs of 25 MiB")
        self.assertLess(self.rss() - before, 16 << 10, "kB")
        self.assertEqual(self.rejected("wire"), ["body_too_large"] * 12)
        self.assertEqual(set(self.events()), {"evt_0"})

    def test_each_content_type_on_one_url(self):
        parts = (b"--x-1\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\nm1\r\n--x-1\r\n"
                 b"Content-Disposition: form-data; name=\"scan\"; filename=\"a.png\"\r\n"
                 b"Content-Type: image/png\r\n\r\n\x89PNG\xff\r\n--x-1--\r\n")
        xml = b"<?xml version=\"1.0\"?><o:order xmlns:o=\"u\"><id>x&amp;1</id></o:order>"
        for content_type, body in (("multipart/form-data; boundary=x-1", parts), ("text/xml", xml),
                                   ("application/x-www-form-urlencoded", b"id=f1&a=b+c"),
                                   ("application/json", document(1))):
            self.assertEqual(self.send("wire", body, {"Content-Type": content_type}), 200, content_type)
        wire = gzip.compress(parts.replace(b"m1", b"m2"))
        self.assertEqual(self.send("wire", wire, {"Content-Type": "multipart/form-data; boundary=x-1",
                                                  "Content-Encoding": "gzip"}), 200)
        events = self.events()
        file = {"filename": "a.png", "content_type": "image/png", "base64": base64.b64encode(b"\x89PNG\xff").decode()}
        self.assertEqual(events["m1"]["json"], {"id": "m1", "scan": file})
        self.assertEqual(events["m2"]["json"], {"id": "m2", "scan": file})
        self.assertEqual(events["f1"]["json"], {"id": "f1", "a": "b c"})
        self.assertEqual(events["x&1"]["text"], xml.decode())
        self.assertEqual(events["evt_1"]["json"]["type"], "paid")

    def test_json_in_a_form_field_splits(self):
        body = b"account=acme&payload=%7B%22items%22:[%7B%22id%22:%22a%22%7D,%7B%22id%22:%22b%22%7D]%7D"
        self.assertEqual(self.send("field", body), 200)
        events = self.events()
        self.assertEqual({k: (e["json"], e["subject"]) for k, e in events.items()},
                         {"a": ({"id": "a"}, "acme"), "b": ({"id": "b"}, "acme")})
        self.assertEqual(base64.b64decode(events["a"]["raw"]["body"]), body)
        self.assertEqual(base64.b64decode(events["b"]["raw"]["item"]), b'{"id":"b"}')

    def test_events_by_get(self):
        def get(query, method="GET"):
            connection = self.bridge.connect()
            connection.request(method, "/hooks/getter?" + query)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status, answer.getheader("Allow")
        good = "id=g1&text=a%20b&sign=" + sign(b"id=g1&text=a b")
        self.assertEqual(get(good)[0], 200)
        self.assertEqual(get(good.replace("g1", "g2"))[0], 401)
        self.assertEqual(get(good, "HEAD"), (405, "POST, GET"))
        events = self.events()
        self.assertEqual(events["g1"]["json"]["text"], "a b")
        self.assertEqual(set(events), {"g1"})

    def test_hookctl_explains_a_compressed_capture(self):
        config_path = os.path.join(self.directory.name, "hookbridge.yaml")
        wire = gzip.compress(document(1))
        capture = os.path.join(self.directory.name, "capture.http")
        for signed, code in ((document(1), 0), (wire, 1)):
            with open(capture, "wb") as file:
                file.write(b"POST /hooks/inflated HTTP/1.1\r\nContent-Encoding: gzip\r\nX-Sign: "
                           + sign(signed).encode() + b"\r\n\r\n" + wire)
            run = subprocess.run([HOOKCTL, "verify", "--config", config_path, "--source", "inflated", "--request", capture],
                                 capture_output=True, text=True, env=environment())
            self.assertEqual(run.returncode, code, run.stdout + run.stderr)
            self.assertIn("bytes inflate to", run.stdout)


if __name__ == "__main__":
    unittest.main()
