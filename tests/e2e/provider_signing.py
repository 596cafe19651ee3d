"""Webhooks as providers sign them, made with Python's hmac and hashlib and the openssl command, and what is tried with
each of them."""

import base64
import hmac
import subprocess
import time

from harness import ADMIN, BridgeTest

URL = "https://hooks.example/hooks/"
KEY = "a-shared-secret-0123456789"
KEY_B64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
KEY_HEX = "00112233445566778899aabbccddeeff"


def mac(key, message, hash_name="sha256"):
    return hmac.new(key, message, hash_name).digest()


def b64(data):
    return base64.b64encode(data).decode()


class Scheme:
    """How one provider signs. `sign(key, body, now)` gives headers, and the query as `?`; `field` is the one to damage.
    With `make_body` the time is in the body, which that makes of one; `tail` is what follows the signature there."""

    def __init__(self, field, sign, key=KEY, other=KEY + "x", body=b'{"id":"1","type":"t"}', timed=False,
                 refused=401, stored=200, repeats=False, covers_body=True, make_body=None, tail=""):
        self.field, self.sign, self.key, self.other, self.body = field, sign, key, other, body
        self.timed, self.refused, self.stored, self.repeats = timed, refused, stored, repeats
        self.covers_body, self.make_body, self.tail = covers_body, make_body, tail


def hex_over_body(header, prefix="", hash_name="sha256", **more):
    return Scheme(header, lambda k, b, t: {header: prefix + mac(k.encode(), b, hash_name).hex()}, **more)


def standard(names, **more):
    def sign(key, body, now):
        raw = base64.b64decode(key.removeprefix("whsec_"))
        signed = f"msg_1.{int(now)}.".encode() + body
        return {names[0]: "msg_1", names[1]: str(int(now)), names[2]: "v1," + b64(mac(raw, signed))}
    return Scheme(names[2], sign, key="whsec_" + KEY_B64, other="whsec_" + KEY_B64.replace("M", "N", 1),
                  timed=True, **more)


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class SchemesTest(BridgeTest):
    def send(self, preset, body, headers):
        fields = dict(headers)
        query = fields.pop("?", "")
        path = "/hooks/" + preset.replace("_", "-") + ("?" + query if query else "")
        return self.bridge.post(path, body, fields)[0]

    def raw(self, preset, body, fields):
        """Lines as they are, repeats included."""
        connection = self.bridge.connect()
        query = dict(fields).get("?", "")
        connection.putrequest("POST", "/hooks/" + preset.replace("_", "-") + ("?" + query if query else ""))
        for name, value in fields:
            if name != "?":
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        status = connection.getresponse().status
        connection.close()
        return status

    def twice(self, preset, scheme, body, good):
        if scheme.field == "?":
            return self.send(preset, body, dict(good, **{"?": good["?"] + "&" + good["?"]}))
        return self.raw(preset, body, [*good.items(), (scheme.field, good[scheme.field])])

    def damaged(self, headers, field, tail=""):
        value = headers[field]
        at = len(value) - 8 - len(tail)
        return dict(headers, **{field: value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1:]})

    def mutations(self, scheme, body, good, now):
        """Each is (body, headers) and must be refused."""
        refused = {"signature byte": (body, self.damaged(good, scheme.field, scheme.tail)),
                   "wrong key": (body, scheme.sign(scheme.other, body, now)),
                   "no signature": (body, {k: v for k, v in good.items() if k != scheme.field}),
                   "empty signature": (body, dict(good, **{scheme.field: ""}))}
        if scheme.covers_body:
            refused["body byte"] = (body.replace(b"t", b"T", 1), good)
            refused["whitespace"] = (body + b"\n", good)
            refused["signature of nothing"] = (body, scheme.sign(scheme.key, b"", now))
        if scheme.timed:
            refused["stale"] = (body, scheme.sign(scheme.key, body, now - 3600))
            refused["future"] = (body, scheme.sign(scheme.key, body, now + 3600))
        if scheme.make_body:
            old = scheme.make_body(now - 3600)
            refused["stale"] = (old, scheme.sign(scheme.key, old, now))
        return refused

    def check_schemes(self, schemes):
        """Good ones are stored, their mutations are refused with the right status, and nothing of them is stored."""
        now, tried = time.time(), 0
        for preset, scheme in schemes.items():
            with self.subTest(preset):
                body = scheme.make_body(now) if scheme.make_body else scheme.body
                good = scheme.sign(scheme.key, body, now)
                refused = self.mutations(scheme, body, good, now)
                for what, (sent, headers) in refused.items():
                    self.assertEqual(self.send(preset, sent, headers), scheme.refused, what)
                if not scheme.repeats:
                    self.assertEqual(self.twice(preset, scheme, body, good), scheme.refused, "twice")
                tried += len(refused) + 1
                self.assertEqual(self.send(preset, body, good), scheme.stored)
                changed = {k.swapcase(): v for k, v in good.items()}
                self.assertEqual(self.send(preset, body, changed), scheme.stored, "case of names")
                if scheme.repeats:
                    self.assertEqual(self.twice(preset, scheme, body, good), scheme.stored, "twice")
        [sources] = self.bridge.call(ADMIN, "ListSources", {"page_size": 100})
        for source in sources["sources"]:
            if source["name"].replace("-", "_") in schemes:
                self.assertGreaterEqual(int(source["rejected_total"]), 5, source)
        stored = {d["event"]["source"] for d in self.bridge.read_all()}
        self.assertEqual(stored, {p.replace("_", "-") for p in schemes})
        self.assertGreater(tried, 6 * len(schemes))
