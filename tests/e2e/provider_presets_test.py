"""More presets against webhooks signed here from the providers' documentation: those that sign a body or name a key in
headers, those whose signature or token is in the body or in the query, and the checks of endpoints."""

import base64
import hashlib
import json
import pathlib
import tempfile
import time
import unittest
import urllib.parse

from harness import ADMIN, CONFIG
from provider_signing import KEY, URL, Scheme, SchemesTest, b64, hex_over_body, mac, openssl, standard

SVIX = ("svix-id", "svix-timestamp", "svix-signature")


def b64_over_body(header, prefix="", hash_name="sha256", **more):
    return Scheme(header, lambda k, b, t: {header: prefix + b64(mac(k.encode(), b, hash_name))}, **more)


def pairs(header):
    """`t=…,v1=…` over `t.body`."""
    return Scheme(header, lambda k, b, t: {
        header: f"t={int(t)},v1={mac(k.encode(), f'{int(t)}.'.encode() + b).hex()}"}, timed=True)


def iso(now, digits=0):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return whole + ("." + "123456789"[:digits] if digits else "") + "Z"


def box(key, body, now):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S-00:00", time.gmtime(now))
    return {"BOX-DELIVERY-TIMESTAMP": stamp, "BOX-SIGNATURE-VERSION": "1", "BOX-SIGNATURE-ALGORITHM": "HmacSHA256",
            "BOX-SIGNATURE-PRIMARY": b64(mac(key.encode(), body + stamp.encode())),
            "BOX-SIGNATURE-SECONDARY": b64(mac(b"the other key", body + stamp.encode()))}


def twitch(key, body, now):
    stamp = iso(now, digits=9)
    signed = b"e76c6bd4-55c9-4987-8304-da1588d8988b" + stamp.encode() + body
    return {"Twitch-Eventsub-Message-Id": "e76c6bd4-55c9-4987-8304-da1588d8988b",
            "Twitch-Eventsub-Message-Timestamp": stamp, "Twitch-Eventsub-Message-Type": "notification",
            "Twitch-Eventsub-Subscription-Type": "stream.online",
            "Twitch-Eventsub-Message-Signature": "sha256=" + mac(key.encode(), signed).hex()}


def zendesk(key, body, now):
    return {"X-Zendesk-Webhook-Signature-Timestamp": iso(now), "X-Zendesk-Webhook-Invocation-Id": "01J",
            "X-Zendesk-Webhook-Signature": b64(mac(key.encode(), iso(now).encode() + body))}


def airwallex(key, body, now):
    stamp = str(int(now * 1000))
    return {"x-timestamp": stamp, "x-signature": mac(key.encode(), stamp.encode() + body).hex()}


def recurly(key, body, now):
    stamp = str(int(now * 1000))
    return {"recurly-signature": f"{stamp},{'ab' * 32},{mac(key.encode(), stamp.encode() + b'.' + body).hex()}"}


def payu(key, body, now):
    return {"OpenPayu-Signature": "sender=checkout;signature=" + hashlib.md5(body + key.encode()).hexdigest()
            + ";algorithm=MD5;content=DOCUMENT"}


def mercado_pago(key, body, now):
    stamp = str(int(now))
    signed = f"id:ORD01JQ4S;request-id:2066ca19;ts:{stamp};"
    return {"?": "data.id=ORD01JQ4S&type=order", "x-request-id": "2066ca19",
            "x-signature": f"ts={stamp},v1={mac(key.encode(), signed.encode()).hex()}"}


PAYMOB = {"type": "TRANSACTION", "obj": {
    "amount_cents": 100000, "created_at": "2024-06-13T11:33:44.592345", "currency": "EGP", "error_occured": False,
    "has_parent_transaction": False, "id": 192036465, "integration_id": 4097558, "is_3d_secure": True, "is_auth": False,
    "is_capture": False, "is_refunded": False, "is_standalone_payment": True, "is_voided": False,
    "order": {"id": 217503754}, "owner": 302852, "pending": False,
    "source_data": {"pan": "2346", "sub_type": "MasterCard", "type": "card"}, "success": True}}
# As developers.paymob.com writes it for this transaction.
PAYMOB_SIGNED = ("1000002024-06-13T11:33:44.592345EGPfalsefalse1920364654097558truefalsefalsefalsetruefalse217503754302852"
                 "false2346MasterCardcardtrue")


def paymob(key, body, now):
    return {"?": "hmac=" + mac(key.encode(), PAYMOB_SIGNED.encode(), "sha512").hex()}


def token(key, claims):
    """A JSON Web Token (RFC 7519), HS256."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    text = part(json.dumps({"typ": "JWT", "alg": "HS256"}).encode()) + "." + part(json.dumps(claims).encode())
    return text + "." + part(mac(key.encode(), text.encode()))


def vonage(key, body, now):
    claims = {"iat": int(now), "jti": "c5ba8f24", "iss": "Vonage", "payload_hash": hashlib.sha256(body).hexdigest(),
              "api_key": "a1b2c3d"}
    return {"Authorization": "Bearer " + token(key, claims)}


def messagebird(key, body, now):
    claims = {"iss": "MessageBird", "nbf": int(now), "exp": int(now) + 60, "jti": "93e55006",
              "url_hash": hashlib.sha256((URL + "messagebird").encode()).hexdigest(),
              "payload_hash": hashlib.sha256(body).hexdigest()}
    return {"MessageBird-Signature-JWT": token(key, claims)}


SCHEMES = {
    "airwallex": Scheme("x-signature", airwallex, timed=True),
    "authorize_net": Scheme("X-ANET-Signature", lambda k, b, t: {
        "X-ANET-Signature": "sha512=" + mac(k.encode(), b, "sha512").hex().upper()}),
    "box": Scheme("BOX-SIGNATURE-PRIMARY", box, timed=True),
    "calendly": pairs("Calendly-Webhook-Signature"),
    "chargebee": Scheme("Authorization", lambda k, b, t: {"Authorization": "Basic " + b64(k.encode())},
                        key="hooks:" + KEY, other="hooks:" + KEY + "x", covers_body=False),
    "clerk": standard(SVIX),
    "docusign": b64_over_body("X-DocuSign-Signature-1"),
    "messagebird": Scheme("MessageBird-Signature-JWT", messagebird, timed=True),
    "lemon_squeezy": hex_over_body("X-Signature"),
    "mercado_pago": Scheme("x-signature", mercado_pago, covers_body=False),
    "pagerduty": Scheme("X-PagerDuty-Signature", lambda k, b, t: {
        "X-PagerDuty-Signature": f"v1={'ab' * 32},v1=" + mac(k.encode(), b).hex()}),
    "paymob": Scheme("?", paymob, body=json.dumps(PAYMOB).encode(), covers_body=False),
    "payu": Scheme("OpenPayu-Signature", payu, tail=";algorithm=MD5;content=DOCUMENT"),
    "persona": pairs("Persona-Signature"),
    "recurly": Scheme("recurly-signature", recurly, timed=True),
    "resend": standard(SVIX),
    "sentry": hex_over_body("Sentry-Hook-Signature"),
    "sumsub": Scheme("X-Payload-Digest", lambda k, b, t: {
        "X-Payload-Digest": mac(k.encode(), b).hex(), "X-Payload-Digest-Alg": "HMAC_SHA256_HEX"}),
    "telegram": Scheme("X-Telegram-Bot-Api-Secret-Token", lambda k, b, t: {"X-Telegram-Bot-Api-Secret-Token": k},
                       covers_body=False),
    "trello": Scheme("X-Trello-Webhook", lambda k, b, t: {
        "X-Trello-Webhook": b64(mac(k.encode(), b + (URL + "trello").encode(), "sha1"))}),
    "twitch": Scheme("Twitch-Eventsub-Message-Signature", twitch, timed=True),
    "typeform": b64_over_body("Typeform-Signature", "sha256="),
    "vercel": hex_over_body("x-vercel-signature", hash_name="sha1"),
    "vonage": Scheme("Authorization", vonage, timed=True, refused=503),
    "woocommerce": b64_over_body("X-WC-Webhook-Signature"),
    "worldpay": Scheme("Event-Signature", lambda k, b, t: {
        "Event-Signature": f"1/SHA256/{mac(b'the key before', b).hex()},2/SHA256/{mac(k.encode(), b).hex()}"}, refused=400),
    "xero": b64_over_body("x-xero-signature"),
    "zendesk": Scheme("X-Zendesk-Webhook-Signature", zendesk, timed=True),
}
BODY_SIGNED = ("figma", "payfast")


def config_text():
    text = "sources:\n"
    secrets = {name: scheme.key for name, scheme in SCHEMES.items()} | {name: KEY for name in BODY_SIGNED}
    for preset, secret in secrets.items():
        name = preset.replace("_", "-")
        text += (f"  - {{name: {name}, preset: {preset}, keys: [{{secret: 'inline:{secret}'}}], "
                 f"public_url: '{URL}{name}'}}\n")
    text += "  - {name: wise, preset: wise, keys: [{secret: 'file:KEY_wise'}]}\n"
    # The harness formats its template once more.
    return CONFIG.split("sources:")[0] + text.replace("{", "{{").replace("}", "}}")


class ProviderPresetsTest(SchemesTest):
    def setUp(self):
        keys = tempfile.TemporaryDirectory(prefix="hookbridge-keys-")
        self.addCleanup(keys.cleanup)
        self.keys = pathlib.Path(keys.name)
        openssl("genrsa", "-out", str(self.keys / "rsa"), "2048")
        openssl("rsa", "-in", str(self.keys / "rsa"), "-pubout", "-out", str(self.keys / "wise.pem"))
        self.config = config_text().replace("KEY_wise", str(self.keys / "wise.pem"))
        super().setUp()

    def events(self):
        return [d["event"] for d in self.bridge.read_all()]

    def test_every_scheme_and_its_mutations(self):
        self.check_schemes(SCHEMES)

    def test_wise(self):
        body = b'{"event_type":"transfers#state-change","data":{"resource":{"id":1}}}'
        signature = b64(openssl("dgst", "-sha256", "-sign", str(self.keys / "rsa"), data=body))
        good = {"X-Signature-SHA256": signature, "X-Delivery-Id": "d1", "X-Test-Notification": "true"}
        self.assertEqual(self.send("wise", body + b" ", good), 401)
        self.assertEqual(self.send("wise", body, self.damaged(good, "X-Signature-SHA256")), 401)
        self.assertEqual(self.send("wise", body, good), 200)
        [event] = self.events()
        self.assertEqual((event["type"], event["dedup_key"], event["test_mode"]), ("transfers#state-change", "d1", True))

    # Two of everything while a key is changed: the one that is known is enough, wherever it stands.
    def test_signatures_of_two_keys(self):
        now, body, key = time.time(), b'{"data":{"id":"evt_1"}}', KEY.encode()
        stamp = str(int(now))
        def pair(secret, time_text=stamp):
            return f"t={time_text},v1={mac(secret, time_text.encode() + b'.' + body).hex()}"
        for header in (pair(key) + " " + pair(b"new"), pair(b"new") + " " + pair(key)):
            self.assertEqual(self.send("persona", body, {"Persona-Signature": header}), 200, header)
        stale = str(int(now) - 3600)
        self.assertEqual(self.send("persona", body, {
            "Persona-Signature": pair(key, stale) + " " + pair(b"new")}), 401, "each signature has the time of its own")
        for name in ("X-DocuSign-Signature-1", "X-DocuSign-Signature-2", "X-DocuSign-Signature-12"):
            headers = {"X-DocuSign-Signature-1": b64(mac(b"new", body)), name: b64(mac(key, body))}
            self.assertEqual(self.send("docusign", body, headers), 200, name)
        self.assertEqual(self.send("docusign", body, {"X-DocuSign-Signature-x": b64(mac(key, body))}), 401)
        good = box(KEY, body, now)
        swapped = dict(good, **{"BOX-SIGNATURE-PRIMARY": good["BOX-SIGNATURE-SECONDARY"],
                                "BOX-SIGNATURE-SECONDARY": good["BOX-SIGNATURE-PRIMARY"]})
        self.assertEqual(self.send("box", body, swapped), 200)
        self.assertEqual(self.send("box", body, dict(good, **{"BOX-SIGNATURE-ALGORITHM": "HmacSHA1"})), 401)
        self.assertEqual(self.send("box", body, {k: v for k, v in good.items() if k != "BOX-SIGNATURE-VERSION"}), 401)

    def test_figma_keeps_the_passcode_to_itself(self):
        body = {"event_type": "FILE_UPDATE", "passcode": KEY, "timestamp": "2026-01-31T12:00:00Z", "webhook_id": "22",
                "file_key": "f1"}
        without = {name: value for name, value in body.items() if name != "passcode"}
        for wrong in (dict(body, passcode=KEY + "x"), dict(body, passcode=""), without):
            self.assertEqual(self.send("figma", json.dumps(wrong).encode(), {}), 401)
        self.assertEqual(self.send("figma", json.dumps(body).encode(), {}), 200)
        self.assertEqual(self.send("figma", json.dumps(body).encode(), {}), 200, "its retry")
        [event] = self.events()
        self.assertEqual((event["type"], event["subject"], event["json"]["passcode"]), ("FILE_UPDATE", "f1", "***"))
        [got] = self.bridge.call(ADMIN, "GetEvent", {"id": event["id"]})
        self.assertIn(b'"passcode": "***"', base64.b64decode(got["event"]["raw"]["body"]))

    def test_payfast(self):
        fields = {"m_payment_id": "o 1", "pf_payment_id": "1089250", "payment_status": "COMPLETE",
                  "item_name": "Käse & Wein", "amount_gross": "100.00", "name_last": ""}
        def form(passphrase=KEY, **changed):
            text = urllib.parse.urlencode(fields)
            signature = hashlib.md5(f"{text}&passphrase={urllib.parse.quote_plus(passphrase)}".encode()).hexdigest()
            return urllib.parse.urlencode(fields | changed | {"signature": signature}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        for wrong in (form("other"), form(amount_gross="1.00"), form(more="1"), form() + b"&signature=00", b"",
                      b"signature="):
            self.assertEqual(self.send("payfast", wrong, kind), 401, wrong)
        self.assertEqual(self.send("payfast", form(), kind), 200)
        [event] = self.events()
        self.assertEqual((event["type"], event["dedup_key"]), ("COMPLETE", "1089250:COMPLETE"))
        self.assertEqual(event["attributes"]["merchant_payment"], "o 1")

    # What is not signed cannot bring in another event.
    def test_a_signature_that_leaves_the_body_out_stands_for_one_event(self):
        now = time.time()
        first = mercado_pago(KEY, b"", now)
        for body in (b'{"id":1,"action":"order.updated"}', b'{"id":1,"action":"order.forged"}'):
            self.assertEqual(self.send("mercado_pago", body, first), 200)
        self.assertEqual(self.send("mercado_pago", b"{}", dict(first, **{"?": "data.id=ORD02&type=order"})), 401)
        changed = json.loads(json.dumps(PAYMOB))
        changed["obj"]["refunded_amount_cents"] = 1
        for body in (PAYMOB, changed):
            self.assertEqual(self.send("paymob", json.dumps(body).encode(), paymob(KEY, b"", now)), 200)
        changed["obj"]["amount_cents"] = 1
        self.assertEqual(self.send("paymob", json.dumps(changed).encode(), paymob(KEY, b"", now)), 401)
        self.assertEqual([(e["source"], e["type"]) for e in self.events()],
                         [("mercado-pago", "order.updated"), ("paymob", "TRANSACTION")])

    def test_telegram_updates_have_the_name_of_their_field(self):
        headers = {"X-Telegram-Bot-Api-Secret-Token": KEY}
        updates = {"message": {"message_id": 1, "date": 1700000000, "chat": {"id": -100}},
                   "callback_query": {"id": "x", "from": {"id": 4200000000}}, "poll": {"id": "p"}}
        for number, (name, value) in enumerate(updates.items()):
            update = json.dumps({"update_id": number, name: value}).encode()
            self.assertEqual(self.bridge.post("/hooks/telegram", update, headers), (200, b""))
        self.assertEqual([(e["type"], e["dedup_key"]) for e in self.events()],
                         [("message", "0"), ("callback_query", "1"), ("update", "2")])

    def test_xero_batches(self):
        item = {"resourceId": "r1", "eventCategory": "INVOICE", "eventType": "UPDATE", "tenantId": "t",
                "eventDateUtc": "2026-01-31T12:00:00.000"}
        body = json.dumps({"events": [item, dict(item, eventType="CREATE")], "entropy": "a"}).encode()
        status, answer = self.bridge.post("/hooks/xero", body, SCHEMES["xero"].sign(KEY, body, 0))
        self.assertEqual((status, answer), (200, b""), "Xero takes no body")
        again = body.replace(b'"a"', b'"b"')
        self.assertEqual(self.send("xero", again, SCHEMES["xero"].sign(KEY, again, 0)), 200)
        self.assertEqual([e["type"] for e in self.events()], ["INVOICE.UPDATE", "INVOICE.CREATE"])

    def test_checks_of_the_endpoint(self):
        connection = self.bridge.connect()
        connection.request("HEAD", "/hooks/trello")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        ask = json.dumps({"challenge": "pogchamp-kappa-360noscope-vohiyo", "subscription": {
            "id": "s", "status": "webhook_callback_verification_pending"}}).encode()
        headers = dict(twitch(KEY, ask, time.time()), **{"Twitch-Eventsub-Message-Type": "webhook_callback_verification"})
        self.assertEqual(self.bridge.post("/hooks/twitch", ask, headers), (200, b"pogchamp-kappa-360noscope-vohiyo"))
        self.assertEqual(self.send("twitch", ask, self.damaged(headers, "Twitch-Eventsub-Message-Signature")), 401)
        ask = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}'
        self.assertEqual(self.bridge.post("/hooks/xero", ask, SCHEMES["xero"].sign(KEY, ask, 0)), (200, b""))
        self.assertEqual(self.send("xero", ask, SCHEMES["xero"].sign("other", ask, 0)), 401, "Xero tries that out as well")
        for kind in ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8"):
            self.assertEqual(self.bridge.post("/hooks/woocommerce", b"webhook_id=7", {"Content-Type": kind}), (200, b""))
        self.assertEqual(self.send("woocommerce", b"webhook_id=7", {"Content-Type": "application/json"}), 401)
        self.assertEqual(self.events(), [], "a check is no event")


if __name__ == "__main__":
    unittest.main()
