"""The main job: signed webhooks arrive on a gRPC stream, forged ones do not."""

import json
import subprocess
import unittest

from harness import (ADMIN, BUF, DELIVERY, HOOKCTL, PO_TOKEN, STRIPE_SECRET, BridgeTest, environment,
                     read_messages, stripe_event, stripe_headers)


class MainJobTest(BridgeTest):
    def curl(self, *arguments):
        result = subprocess.run(["curl", "-sS", "-o", "-", "-w", "\n%{http_code}", *arguments],
                                capture_output=True, text=True, check=True, timeout=30)
        body, status = result.stdout.rsplit("\n", 1)
        return int(status), body

    # A Stripe event posted by curl, signed by Python: parsed fields, exact number, raw bytes.
    def test_stripe_event_arrives_with_its_fields(self):
        body = stripe_event("evt_1", amount=1999, big=9007199254740993)
        header = f"Stripe-Signature: {stripe_headers(body)['Stripe-Signature']}"
        status, answer = self.curl("-H", header, "--data-binary", body.decode(),
                                   f"{self.bridge.url}/hooks/stripe")
        self.assertEqual(status, 200)
        [delivery] = self.bridge.read_all()
        event = delivery["event"]
        self.assertEqual(event["id"], json.loads(answer)["id"])
        self.assertEqual(event["source"], "stripe")
        self.assertEqual(event["type"], "invoice.paid")
        self.assertEqual(event["dedup_key"], "evt_1")
        self.assertTrue(event["test_mode"])
        self.assertEqual(event["json"]["amount"], 1999)
        self.assertEqual(event["json"]["big"], "9007199254740993")
        self.assertEqual(event["inexact_numbers"], ["/big"])
        self.assertNotIn("raw", event)
        [got] = self.bridge.call(ADMIN, "GetEvent", {"id": event["id"]})
        import base64
        self.assertEqual(base64.b64decode(got["event"]["raw"]["body"]), body)

    # Payment Options: the token is in the URL, and never in what is stored.
    def test_payment_options_by_url_token(self):
        body = json.dumps({"success": True, "is_live": False, "transaction_type": "CAPTURE",
                           "payment_details": {"amount": "10.00", "response_code": 0},
                           "transaction_details": {"id": "t-1"}}).encode()
        status, _ = self.bridge.post(f"/hooks/po/{PO_TOKEN}", body, {})
        self.assertEqual(status, 200)
        status, wrong = self.bridge.post("/hooks/po/wrong", body, {})
        self.assertEqual(status, 401)
        status, unknown = self.bridge.post("/hooks/nobody/wrong", body, {})
        self.assertEqual((status, unknown), (401, wrong), "an unknown source looks like a bad token")
        messages = self.bridge.call(DELIVERY, "Subscribe", {
            "cursor_read": {"preset": "START_PRESET_EARLIEST", "stop_at_end": True},
            "payload_view": "PAYLOAD_VIEW_FULL"})
        [delivery] = [d for m in messages for d in m.get("batch", {}).get("deliveries", [])]
        self.assertEqual(delivery["event"]["type"], "payment.capture.succeeded")
        self.assertEqual(delivery["event"]["raw"]["path"], "/hooks/po/***")
        self.assertNotIn(PO_TOKEN, json.dumps(delivery))

    # A forged one is refused; the sender learns nothing, the operator sees the reason.
    def test_forged_is_refused_and_counted(self):
        body = stripe_event("evt_forged")
        status, answer = self.bridge.post("/hooks/stripe", body, stripe_headers(body, "whsec_other"))
        self.assertEqual(status, 401)
        self.assertEqual(answer, b'{"error":"unauthorized"}')
        status, _ = self.bridge.post("/hooks/stripe", body, stripe_headers(body, at=1_600_000_000))
        self.assertEqual(status, 401)
        [sources] = self.bridge.call(ADMIN, "ListSources", {})
        [stripe] = [s for s in sources["sources"] if s["name"] == "stripe"]
        self.assertEqual(stripe["rejected_by_reason"], {"signature_mismatch": "1", "timestamp_stale": "1"})
        self.assertEqual(self.bridge.read_all(), [])
        [listed] = self.bridge.call(ADMIN, "ListRejections", {"source": "stripe"})
        self.assertEqual([r["reason"] for r in listed["rejections"]], ["timestamp_stale", "signature_mismatch"])
        self.assertIn("Stripe-Signature", listed["rejections"][0]["header_names"])
        shown = subprocess.run([HOOKCTL, "rejections", "--source", "stripe"], capture_output=True, text=True,
                               env=dict(environment(), HOOKBRIDGE_GRPC=self.bridge.grpc), timeout=60)
        self.assertIn("signature_mismatch", shown.stdout, shown.stderr)

    # The provider's retry is answered with the first event's id and stored once.
    def test_duplicate_answers_the_first_id(self):
        first = self.bridge.post_stripe("evt_twice")
        self.assertEqual(first[0], 200)
        self.assertEqual(self.bridge.post_stripe("evt_twice"), first)
        self.assertEqual(len(self.bridge.read_all()), 1)

    # An authentic body that is not JSON is an event too.
    def test_body_that_is_not_json_is_kept(self):
        body = b"not json"
        self.assertEqual(self.bridge.post("/hooks/stripe", body, stripe_headers(body))[0], 200)
        [delivery] = self.bridge.read_all()
        self.assertIn("json_syntax", delivery["event"]["conversion_error"])
        self.assertEqual(delivery["event"]["type"], "unmapped")

    # Without any proto file: grpcurl and buf learn everything from reflection.
    def test_reflection_serves_grpcurl_and_buf(self):
        listed = self.bridge.grpcurl(self.bridge.grpc, "list").stdout
        self.assertIn(DELIVERY, listed)
        self.assertIn(ADMIN, listed)
        self.assertIn("grpc.health.v1.Health", listed)
        described = self.bridge.grpcurl(self.bridge.grpc, "describe", DELIVERY).stdout
        self.assertIn("rpc Subscribe", described)
        self.assertEqual(self.bridge.post_stripe("evt_buf")[0], 200)
        request = {"cursorRead": {"preset": "START_PRESET_EARLIEST", "stopAtEnd": True}}
        result = subprocess.run(
            [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", json.dumps(request),
             f"http://{self.bridge.grpc}/{DELIVERY}/Subscribe"],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        ids = [d["event"]["dedupKey"] for m in read_messages(result.stdout)
               for d in m.get("batch", {}).get("deliveries", [])]
        self.assertEqual(ids, ["evt_buf"])

    # What this build does not have says so.
    def test_durable_subscriptions_say_that_they_are_not_here(self):
        result = self.bridge.grpcurl("-d", '{"subscription": "billing"}', self.bridge.grpc,
                                     f"{DELIVERY}/Subscribe", check=False)
        self.assertIn("Unimplemented", result.stderr)
        self.assertIn("NOT_IMPLEMENTED", result.stderr)

    # Cursors of another journal are never silently accepted.
    def test_cursors_are_checked(self):
        def subscribe(cursor):
            return self.bridge.grpcurl("-d", json.dumps({"cursor_read": {"after_cursor": cursor}}),
                                       self.bridge.grpc, f"{DELIVERY}/Subscribe", check=False).stderr
        self.assertIn("CURSOR_MALFORMED", subscribe("AAAA"))
        self.assertEqual(self.bridge.post_stripe("evt_c")[0], 200)
        [delivery] = self.bridge.read_all()
        self.bridge.kill9()
        import shutil
        shutil.rmtree(self.bridge.directory / "data")
        self.bridge.start()
        self.assertIn("CURSOR_FOREIGN", subscribe(delivery["cursor"]))

    # hookctl signs for every preset's source here, and shows what arrived.
    def test_hookctl_sends_and_tails(self):
        environ = dict(environment(), HOOKBRIDGE_GRPC=self.bridge.grpc)
        for preset, path, secret in (("payment_options", "po", "env:PO_TOKEN"),
                                     ("stripe", "stripe", "env:STRIPE_SECRET")):
            sent = subprocess.run([HOOKCTL, "send", preset, "--url", f"{self.bridge.url}/hooks/{path}",
                                   "--secret", secret, "--times", "2"], env=environ, timeout=60,
                                  capture_output=True, text=True)
            self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)
        tail = subprocess.run([HOOKCTL, "tail", "--from", "earliest", "--until-caught-up", "--json"],
                              env=environ, capture_output=True, text=True, timeout=60)
        self.assertEqual(len(tail.stdout.splitlines()), 4, tail.stderr)
        bad = subprocess.run([HOOKCTL, "send", "stripe", "--url", f"{self.bridge.url}/hooks/stripe",
                              "--secret", "env:STRIPE_SECRET", "--bad-signature"], env=environ,
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(bad.returncode, 1)
        self.assertNotIn(STRIPE_SECRET, bad.stdout + bad.stderr)


if __name__ == "__main__":
    unittest.main()
