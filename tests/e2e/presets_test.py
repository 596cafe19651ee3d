"""Every preset against webhooks signed here, by Python's hmac and hashlib and the openssl command,
from the providers' documentation and not from our recipes: the good one is stored, its mutations are
refused with the right status, and nothing of them is stored."""

import base64
import hashlib
import json
import pathlib
import tempfile
import time
import unittest
import urllib.parse

from harness import ADMIN, CONFIG, BridgeTest
from provider_signing import KEY, KEY_HEX, URL, Scheme, SchemesTest, b64, hex_over_body, mac, openssl, standard


def v0(header, stamp):
    return Scheme(header, lambda k, b, t: {
        stamp: str(int(t)), header: "v0=" + mac(k.encode(), f"v0:{int(t)}:".encode() + b).hex()}, timed=True)


def hubspot3(key, body, now):
    stamp = str(int(now * 1000))
    text = b"POST" + (URL + "hubspot").encode() + body + stamp.encode()
    return {"X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature-v3": b64(mac(key.encode(), text))}


def linear_body(now=None):
    return json.dumps({"type": "Issue", "webhookTimestamp": int((now or time.time()) * 1000)}).encode()


SCHEMES = {
    "stripe": Scheme("Stripe-Signature", lambda k, b, t: {
        "Stripe-Signature": f"t={int(t)},v1={mac(k.encode(), f'{int(t)}.'.encode() + b).hex()}"}, timed=True),
    "github": hex_over_body("X-Hub-Signature-256", "sha256="),
    "bitbucket": hex_over_body("X-Hub-Signature", "sha256="),
    "jira": hex_over_body("X-Hub-Signature", "sha256="),
    "meta": hex_over_body("X-Hub-Signature-256", "sha256="),
    "intercom": hex_over_body("X-Hub-Signature", "sha1=", "sha1"),
    "coinbase_commerce": hex_over_body("X-CC-Webhook-Signature"),
    "razorpay": hex_over_body("X-Razorpay-Signature"),
    "mollie": hex_over_body("X-Mollie-Signature", "sha256=", repeats=True),
    "checkout_com": hex_over_body("Cko-Signature"),
    "gocardless": hex_over_body("Webhook-Signature", refused=498),
    "dropbox": hex_over_body("X-Dropbox-Signature"),
    "klarna": Scheme("Klarna-Signature", lambda k, b, t: {
        "Klarna-Signature": mac(k.encode(), b).hex(), "Klarna-Signing-Key-Id": "1"}),
    "shopify": Scheme("X-Shopify-Hmac-Sha256", lambda k, b, t: {
        "X-Shopify-Hmac-Sha256": b64(mac(k.encode(), b))}),
    "square": Scheme("x-square-hmacsha256-signature", lambda k, b, t: {
        "x-square-hmacsha256-signature": b64(mac(k.encode(), (URL + "square").encode() + b))}),
    "adyen_platforms": Scheme("HmacSignature", lambda k, b, t: {
        "HmacSignature": b64(mac(bytes.fromhex(k), b))}, key=KEY_HEX, other=KEY_HEX[::-1]),
    "slack": v0("X-Slack-Signature", "X-Slack-Request-Timestamp"),
    "zoom": v0("x-zm-signature", "x-zm-request-timestamp"),
    "paddle": Scheme("Paddle-Signature", lambda k, b, t: {
        "Paddle-Signature": f"ts={int(t)};h1={mac(k.encode(), f'{int(t)}:'.encode() + b).hex()}"}, timed=True),
    "standard_webhooks": standard(("webhook-id", "webhook-timestamp", "webhook-signature")),
    "svix": standard(("svix-id", "svix-timestamp", "svix-signature")),
    "gitlab": standard(("webhook-id", "webhook-timestamp", "webhook-signature")),
    "gitlab_token": Scheme("X-Gitlab-Token", lambda k, b, t: {"X-Gitlab-Token": k}, covers_body=False),
    "hubspot": Scheme("X-HubSpot-Signature-v3", hubspot3, timed=True),
    "hubspot_v1": Scheme("X-HubSpot-Signature", lambda k, b, t: {
        "X-HubSpot-Signature": hashlib.sha256(k.encode() + b).hexdigest()}),
    "hubspot_v2": Scheme("X-HubSpot-Signature", lambda k, b, t: {"X-HubSpot-Signature": hashlib.sha256(
        k.encode() + b"POST" + (URL + "hubspot_v2".replace("_", "-")).encode() + b).hexdigest()}),
    "linear": Scheme("Linear-Signature", lambda k, b, t: {
        "Linear-Signature": mac(k.encode(), b).hex(), "Linear-Delivery": "d1"}, make_body=linear_body),
}


def config_text():
    text = "sources:\n"
    for preset, scheme in SCHEMES.items():
        name = preset.replace("_", "-")
        text += f"  - {{name: {name}, preset: {preset}, keys: [{{id: '1', secret: 'inline:{scheme.key}'}}], "
        token = ", handshake_token: 'inline:verify-me'" if preset == "meta" else ""
        text += f"public_url: '{URL}{name}'{token}}}\n"
    for name in ("mailgun", "discord", "sendgrid"):
        text += f"  - {{name: {name}, preset: {name}, keys: [{{secret: 'KEY_{name}'}}]}}\n"
    text += "  - {name: braintree, preset: braintree, keys: [{secret: 'inline:public|private'}]}\n"
    text += "  - {name: sns, preset: aws_sns, topic_arns: ['arn:aws:sns:us-east-1:123456789012:orders']}\n"
    text += "  - {name: paypal, preset: paypal, values: {webhook_id: WID}}\n"
    text += "  - {name: mollie-classic, preset: mollie_classic, keys: [{secret: 'inline:test_key'}]}\n"
    # The harness formats its template once more.
    return CONFIG.split("sources:")[0] + text.replace("{", "{{").replace("}", "}}")


class PresetsTest(SchemesTest):
    def setUp(self):
        keys = tempfile.TemporaryDirectory(prefix="hookbridge-keys-")
        self.addCleanup(keys.cleanup)
        self.keys = pathlib.Path(keys.name)
        openssl("genpkey", "-algorithm", "ed25519", "-out", str(self.keys / "ed"))
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(self.keys / "ec"))
        ed = openssl("pkey", "-in", str(self.keys / "ed"), "-pubout", "-outform", "DER")[-32:]
        ec = openssl("ec", "-in", str(self.keys / "ec"), "-pubout", "-outform", "DER")
        self.config = (config_text().replace("KEY_mailgun", "inline:" + KEY)
                       .replace("KEY_discord", "inline:" + ed.hex()).replace("KEY_sendgrid", "inline:" + b64(ec)))
        super().setUp()

    def test_every_scheme_and_its_mutations(self):
        self.check_schemes(SCHEMES)

    # The signature is in the body; its token is stored once, whatever the rest of the body says.
    def test_mailgun(self):
        def body(stamp, token, event="delivered", key=KEY):
            signature = mac(key.encode(), f"{int(stamp)}{token}".encode()).hex()
            return json.dumps({"signature": {"timestamp": str(int(stamp)), "token": token, "signature": signature},
                               "event-data": {"event": event, "id": "e1"}}).encode()
        now = time.time()
        self.assertEqual(self.send("mailgun", body(now, "token-1"), {}), 200)
        self.assertEqual(self.send("mailgun", body(now, "token-1", event="forged"), {}), 200)
        for bad in (body(now, "token-2", key="other"), body(now - 86400, "token-3"), b"{}", b"no json",
                    body(now, "token-4").replace(b"token-4", b"token-5")):
            self.assertEqual(self.send("mailgun", bad, {}), 401)
        events = [d["event"] for d in self.bridge.read_all()]
        self.assertEqual([(e["type"], e["dedup_key"]) for e in events], [("delivered", "token-1")])

    def test_discord_and_its_ping(self):
        def headers(body, now):
            message = self.keys / "message"
            message.write_bytes(str(int(now)).encode() + body)
            signature = openssl("pkeyutl", "-sign", "-inkey", str(self.keys / "ed"), "-rawin", "-in", str(message))
            return {"X-Signature-Timestamp": str(int(now)), "X-Signature-Ed25519": signature.hex()}
        now, ping = time.time(), b'{"type":0}'
        self.assertEqual(self.send("discord", ping, headers(ping, now)), 204)
        self.assertEqual(self.send("discord", ping, headers(b'{"type":1}', now)), 401, "Discord probes with these")
        body = b'{"type":2,"application_id":"1","event":{"type":"ENTITLEMENT_CREATE"}}'
        self.assertEqual(self.send("discord", body, headers(body, now)), 204)
        self.assertEqual([d["event"]["type"] for d in self.bridge.read_all()], ["ENTITLEMENT_CREATE"])

    def test_sendgrid(self):
        now, body = int(time.time()), b'[{"event":"delivered","sg_event_id":"s1"}]\r\n'
        signature = openssl("dgst", "-sha256", "-sign", str(self.keys / "ec"), data=str(now).encode() + body)
        headers = {"X-Twilio-Email-Event-Webhook-Signature": b64(signature),
                   "X-Twilio-Email-Event-Webhook-Timestamp": str(now)}
        self.assertEqual(self.send("sendgrid", body.strip(), headers), 401, "the last CRLF counts")
        self.assertEqual(self.send("sendgrid", body, headers), 200)

    def test_braintree_and_its_challenge(self):
        key = hashlib.sha1(b"private").digest()
        payload = base64.encodebytes(b"<notification><timestamp type='datetime'>2026-01-31T12:00:00Z</timestamp>"
                                     b"<kind>dispute_opened</kind></notification>").decode()
        def form(text, signed=payload, name="public"):
            pair = f"{name}|{mac(key, signed.encode(), 'sha1').hex()}"
            return urllib.parse.urlencode({"bt_signature": pair, "bt_payload": text}).encode()
        for bad in (form(payload, signed=payload + "x"), form("A" + payload), form(payload, name="other"),
                    form(payload) + b"&more=1", b"bt_payload=x", b""):
            self.assertEqual(self.send("braintree", bad, {}), 401)
        self.assertEqual(self.send("braintree", form(payload), {}), 200)
        [event] = [d["event"] for d in self.bridge.read_all()]
        self.assertEqual((event["type"], event["event_time"]), ("dispute_opened", "2026-01-31T12:00:00Z"))
        connection = self.bridge.connect()
        connection.request("GET", "/hooks/braintree?bt_challenge=20f9f8ed")
        self.assertEqual(connection.getresponse().read().decode(),
                         "public|" + mac(key, b"20f9f8ed", "sha1").hex())
        connection.close()

    # Refused before anything would be fetched.
    def test_forgeries_that_name_a_certificate(self):
        message = {"Type": "Notification", "MessageId": "1", "Message": "m", "SignatureVersion": "2",
                   "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "Signature": "AAAA",
                   "TopicArn": "arn:aws:sns:us-east-1:123456789012:orders",
                   "SigningCertURL": "https://sns.us-east-1.amazonaws.com.evil.example/a.pem"}
        self.assertEqual(self.send("sns", json.dumps(message).encode(), {}), 401)
        message["TopicArn"] += "x"
        self.assertEqual(self.send("sns", json.dumps(message).encode(), {}), 401)
        headers = {"paypal-transmission-id": "1", "paypal-transmission-time": message["Timestamp"],
                   "paypal-transmission-sig": "AAAA", "paypal-auth-algo": "SHA256withRSA",
                   "paypal-cert-url": "https://api.paypal.com@evil.example/v1/notifications/certs/C"}
        self.assertEqual(self.send("paypal", b"{}", headers), 401)
        self.assertEqual(self.send("mollie-classic", b"id=tr_1%2F..%2Fx", {}), 401)
        [sources] = self.bridge.call(ADMIN, "ListSources", {"page_size": 100})
        reasons = {s["name"]: set(s.get("rejected_by_reason", {})) for s in sources["sources"]}
        self.assertEqual(reasons["sns"], {"url_not_allowed", "topic_not_allowed"})
        self.assertEqual(reasons["paypal"], {"url_not_allowed"})
        self.assertEqual(reasons["mollie-classic"], {"credential_malformed"})

    def test_handshakes(self):
        def get(path):
            connection = self.bridge.connect()
            connection.request("GET", path)
            answer = connection.getresponse()
            result = answer.status, answer.getheader("Content-Type"), answer.read()
            connection.close()
            return result
        good = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
        self.assertEqual(get("/hooks/meta?" + good + "verify-me"), (200, "text/plain", b"1158201444"))
        self.assertEqual(get("/hooks/meta?" + good + "wrong")[0], 401)
        self.assertEqual(get("/hooks/dropbox?challenge=abc")[2], b"abc")
        self.assertEqual(get("/hooks/dropbox?challenge=%3Cscript%3E")[0], 400)
        self.assertEqual(get("/hooks/stripe?challenge=abc")[0], 405)
        now = time.time()
        ask = b'{"type":"url_verification","challenge":"3eZbrw1aB"}'
        slack = SCHEMES["slack"]
        status, answer = self.bridge.post("/hooks/slack", ask, slack.sign(KEY, ask, now))
        self.assertEqual((status, answer), (200, b"3eZbrw1aB"))
        self.assertEqual(self.bridge.post("/hooks/slack", ask, slack.sign("other", ask, now))[0], 401)
        ask = b'{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}'
        status, answer = self.bridge.post("/hooks/zoom", ask, SCHEMES["zoom"].sign(KEY, ask, now))
        self.assertEqual((status, json.loads(answer)), (200, {
            "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
            "encryptedToken": mac(KEY.encode(), b"qgg8vlvZRS6UYooatFL8Aw").hex()}))
        self.assertEqual(self.bridge.read_all(), [], "a handshake is no event")


WITH_QUERY = CONFIG.split("sources:")[0] + "".join(
    ["sources:\n"] + [f"  - {{{{name: {name}, preset: {name}, public_url: '{URL}{name}?tenant=7', "
                      f"keys: [{{{{secret: 'inline:{KEY}'}}}}]}}}}\n" for name in ("square", "twilio", "hubspot")]
    + [f"  - {{{{name: stripe, preset: stripe, keys: [{{{{secret: 'inline:{KEY}'}}}}]}}}}\n"])


# What a provider sends that was given a URL with a query, and what comes twice under one id.
class SignedQueryAndKnownIdTest(BridgeTest):
    config = WITH_QUERY

    def test_the_query_is_signed_as_the_provider_was_given_it(self):
        key, now = KEY.encode(), str(int(time.time() * 1000))
        def url(name):
            return (URL + name + "?tenant=7").encode()
        requests = {
            "square": (b'{"event_id":"1"}', lambda b: {
                "x-square-hmacsha256-signature": b64(mac(key, url("square") + b))}),
            "twilio": (b"MessageSid=SM1", lambda b: {
                "X-Twilio-Signature": b64(mac(key, url("twilio") + b"MessageSidSM1", "sha1"))}),
            "hubspot": (b"[]", lambda b: {"X-HubSpot-Request-Timestamp": now, "X-HubSpot-Signature-v3": b64(
                mac(key, b"POST" + url("hubspot") + b + now.encode()))})}
        for name, (body, sign) in requests.items():
            self.assertEqual(self.bridge.post(f"/hooks/{name}?tenant=7", body, sign(body))[0], 200, name)
            self.assertEqual(self.bridge.post(f"/hooks/{name}?tenant=8", body, sign(body))[0], 401, name)
        status, answer = self.bridge.post("/hooks/twilio?tenant=7", b"MessageSid=SM1", requests["twilio"][1](b""))
        self.assertEqual((status, answer), (200, b"<Response/>"))

    def test_what_is_answered_200_is_on_the_stream(self):
        def post(amount):
            body = json.dumps({"id": "evt_1", "type": "charge.updated", "amount": amount}).encode()
            stamp = str(int(time.time()))
            signature = mac(KEY.encode(), stamp.encode() + b"." + body).hex()
            return self.bridge.post("/hooks/stripe", body, {"Stripe-Signature": f"t={stamp},v1={signature}"})
        self.assertEqual([post(amount)[0] for amount in (1, 2, 2, 1)], [200] * 4)
        self.bridge.terminate()
        self.bridge.start()
        self.assertEqual(post(2)[0], 200)
        first, second = [d["event"] for d in self.bridge.read_all()]
        self.assertEqual([first["json"]["amount"], second["json"]["amount"]], [1, 2])
        self.assertEqual(first["dedup_key"], "evt_1")
        self.assertEqual(second["attributes"]["conflicts_with"], first["id"])
        self.assertTrue(second["dedup_key"].startswith("evt_1#sha256:"))


if __name__ == "__main__":
    unittest.main()
