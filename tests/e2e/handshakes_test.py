#!/usr/bin/env python3
"""How providers check an endpoint: what each sends, and the very bytes and headers that it wants back."""

import base64
import hashlib
import hmac
import json
import pathlib
import stat
import subprocess
import tempfile
import unittest

from harness import ADMIN, BridgeTest, CONFIG, HOOKBRIDGE, HOOKCTL, environment

TOKEN = "url-token-0123456789"
VERIFY = "verify-token-0123456789abcdef0123"
PUBLIC = "https://hooks.shop.example/hooks/"
SOURCES = {
    "microsoft_graph": "keys: [{secret: 'inline:client-state'}]",
    "azure_event_grid": f"keys: [{{secret: 'inline:{TOKEN}'}}]",
    "cloudevents": "keys: [{secret: 'inline:bearer'}]",
    "strava": f"keys: [{{secret: 'inline:{TOKEN}'}}], handshake_token: 'inline:{VERIFY}'",
    "ebay": f"keys: [{{secret: 'inline:{TOKEN}'}}], handshake_token: 'inline:{VERIFY}', public_url: '{PUBLIC}ebay'",
    "x_twitter": "keys: [{secret: 'inline:consumer'}]",
    "okta": "keys: [{secret: 'inline:shared-secret'}]",
    "meta": f"keys: [{{secret: 'inline:app'}}], handshake_token: 'inline:{VERIFY}'",
    "dropbox": "keys: [{secret: 'inline:app'}]",
}


LEARNING = {
    "asana": f"url_token: 'inline:{TOKEN}', learned_key: {{file: 'KEYS/asana'}}",
    "notion": "learned_key: {file: 'KEYS/notion'}",
}


def configuration(sources):
    text = "sources:\n"
    for preset, rest in sources.items():
        text += f"  - {{name: {preset.replace('_', '-')}, preset: {preset}, {rest}}}\n"
    # The harness formats its template once more.
    return CONFIG.split("sources:")[0] + text.replace("{", "{{").replace("}", "}}")


class AskingTest(BridgeTest):
    def ask(self, method, target, headers=None, body=None):
        """Status, headers in lower case, body."""
        connection = self.bridge.connect()
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def assert_answer(self, answer, status, body, content_type=None, **headers):
        self.assertEqual((answer[0], answer[2]), (status, body))
        self.assertEqual(answer[1].get("content-type"), content_type)
        self.assertEqual(answer[1]["x-content-type-options"], "nosniff")
        for name, value in headers.items():
            self.assertEqual(answer[1][name.replace("_", "-")], value)

    def nothing_is_stored(self):
        self.assertEqual(self.bridge.read_all(), [])


class HandshakesTest(AskingTest):
    def setUp(self):
        self.config = configuration(SOURCES)
        super().setUp()

    def test_microsoft_graph(self):
        text = "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e"
        query = "?validationToken=" + text.replace(" ", "+").replace(":", "%3a")
        for method in ("POST", "GET"):
            answer = self.ask(method, "/hooks/microsoft-graph" + query, {"Content-Type": "text/plain; charset=utf-8"})
            self.assert_answer(answer, 200, text.encode(), "text/plain")
        bad = self.ask("POST", "/hooks/microsoft-graph?validationToken=%3Cscript%3E")
        self.assertEqual(bad[0], 400)
        self.assertNotIn(b"script", bad[2])
        self.nothing_is_stored()
        state = {"value": [{"id": str(n), "clientState": "client-state", "changeType": "created"} for n in (1, 2)]}
        self.assertEqual(self.ask("POST", "/hooks/microsoft-graph", body=json.dumps(state))[0], 202)
        state["value"][1]["clientState"] = "forged"
        self.assertEqual(self.ask("POST", "/hooks/microsoft-graph", body=json.dumps(state))[0], 401)
        events = [d["event"] for d in self.bridge.read_all()]
        self.assertEqual([(e["dedup_key"], e["type"]) for e in events], [("1", "created"), ("2", "created")])
        self.assertNotIn("client-state", json.dumps(events))

    def test_azure_event_grid(self):
        body = json.dumps([{"id": "1", "topic": "/t", "subject": "", "eventTime": "2026-01-01T00:00:00Z",
                            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "dataVersion": "1",
                            "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
                                     "validationUrl": "https://rp.example:553/validate?id=512d38b6"}}])
        headers = {"Content-Type": "application/json", "aeg-event-type": "SubscriptionValidation"}
        path = "/hooks/azure-event-grid/"
        answer = self.ask("POST", path + TOKEN, headers, body)
        self.assert_answer(answer, 200, b'{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}',
                           "application/json")
        self.assertEqual(self.ask("POST", path + "wrong", headers, body)[0], 401)
        origin = {"WebHook-Request-Origin": "eventgrid.azure.net",
                  "WebHook-Request-Callback": "https://rp.example/validate?id=1"}
        answer = self.ask("OPTIONS", path + TOKEN, origin)
        self.assert_answer(answer, 200, b"", webhook_allowed_origin="eventgrid.azure.net", webhook_allowed_rate="*",
                           allow="POST, OPTIONS")
        self.assertEqual(self.ask("OPTIONS", path + "wrong", origin)[0], 401)
        self.nothing_is_stored()
        event = body.replace("SubscriptionValidationEvent", "Other").replace('"id": "1"', '"id": "2"')
        self.assertEqual(self.ask("POST", path + TOKEN, {"aeg-event-type": "Notification"}, event)[0], 200)
        self.assertEqual([d["event"]["dedup_key"] for d in self.bridge.read_all()], ["/t 2"])

    def test_cloudevents(self):
        answer = self.ask("OPTIONS", "/hooks/cloudevents",
                          {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120"})
        self.assert_answer(answer, 200, b"", webhook_allowed_origin="eventemitter.example.com",
                           webhook_allowed_rate="*", allow="POST, OPTIONS")
        self.assertEqual(self.ask("OPTIONS", "/hooks/cloudevents")[0], 405, "no origin")
        self.assertEqual(self.ask("OPTIONS", "/hooks/cloudevents", {"WebHook-Request-Origin": "a b<"})[0], 400)
        event = {"specversion": "1.0", "type": "t", "source": "/s", "id": "1", "data": {}}
        bearer = {"Authorization": "Bearer bearer", "Content-Type": "application/cloudevents+json"}
        self.assertEqual(self.ask("POST", "/hooks/cloudevents", bearer, json.dumps(event))[0], 200)
        batch = dict(bearer, **{"Content-Type": "application/cloudevents-batch+json"})
        self.assertEqual(self.ask("POST", "/hooks/cloudevents", batch,
                                  json.dumps([event, dict(event, id="2")]))[0], 200)
        self.assertEqual([d["event"]["dedup_key"] for d in self.bridge.read_all()], ["/s 1", "/s 2"])

    def test_strava(self):
        query = "?hub.mode=subscribe&hub.challenge=15f7d1a91c1f40f8a748fd134752feb3&hub.verify_token="
        answer = self.ask("GET", f"/hooks/strava/{TOKEN}{query}{VERIFY}")
        self.assert_answer(answer, 200, b'{"hub.challenge":"15f7d1a91c1f40f8a748fd134752feb3"}', "application/json")
        self.assertEqual(self.ask("GET", f"/hooks/strava/{TOKEN}{query}other")[0], 401)
        wrong = self.ask("GET", f"/hooks/strava/wrong{query}{VERIFY}")
        unknown = self.ask("GET", f"/hooks/nobody/wrong{query}{VERIFY}")
        self.assertEqual((wrong[0], wrong[2]), (401, unknown[2]))
        self.assertEqual({k: v for k, v in wrong[1].items() if k != "date"},
                         {k: v for k, v in unknown[1].items() if k != "date"})

    def test_ebay(self):
        code = "a8628072-3d33-45ee-9004-bee86830a22d"
        expected = hashlib.sha256(f"{code}{VERIFY}{PUBLIC}ebay/{TOKEN}".encode()).hexdigest()
        answer = self.ask("GET", f"/hooks/ebay/{TOKEN}?challenge_code={code}")
        self.assert_answer(answer, 200, json.dumps({"challengeResponse": expected}, separators=(",", ":")).encode(),
                           "application/json")
        self.assertEqual(self.ask("GET", f"/hooks/ebay?challenge_code={code}")[0], 401)
        body = json.dumps({"metadata": {"topic": "T"}, "notification": {"notificationId": "n1", "data": {}}})
        self.assertEqual(self.ask("POST", f"/hooks/ebay/{TOKEN}", body=body)[0], 200)
        [delivery] = self.bridge.read_all()
        self.assertNotIn(TOKEN, json.dumps(delivery), "public_url is in events, the token is not")

    def test_x(self):
        def sign(data):
            return "sha256=" + base64.b64encode(hmac.new(b"consumer", data, "sha256").digest()).decode()
        token = "9b4507b3-9040-4669-9ca3-6b94edb50553"
        answer = self.ask("GET", f"/hooks/x-twitter?crc_token={token}&nonce=ignored")
        expected = json.dumps({"response_token": sign(token.encode())}, separators=(",", ":"))
        self.assert_answer(answer, 200, expected.encode(), "application/json")
        body = b'{"for_user_id":"1","tweet_create_events":[{"id_str":"2"}]}'
        headers = {"x-twitter-webhooks-signature": sign(body)}
        self.assertEqual(self.ask("POST", "/hooks/x-twitter", headers, body)[0], 200)
        self.assertEqual(self.ask("POST", "/hooks/x-twitter", headers, body + b" ")[0], 401)

    def test_okta(self):
        challenge = "Me_rShK8JHsTnbyYrWXCEoMGbM_zsZ6k0hLPZ_Pg"
        answer = self.ask("GET", "/hooks/okta",
                          {"X-Okta-Verification-Challenge": challenge, "Authorization": "shared-secret"})
        self.assert_answer(answer, 200, b'{"verification":"%s"}' % challenge.encode(), "application/json")
        self.assertEqual(self.ask("GET", "/hooks/okta")[0], 405)
        body = json.dumps({"data": {"events": [{"uuid": "u1", "eventType": "user.lifecycle.create"}]}})
        answer = self.ask("POST", "/hooks/okta", {"Authorization": "shared-secret"}, body)
        self.assertEqual((answer[0], answer[2]), (200, b""))
        self.assertEqual(self.ask("POST", "/hooks/okta", {"Authorization": "other"}, body)[0], 401)

    # The older kinds are rules of the same form.
    def test_meta_and_dropbox(self):
        query = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
        self.assert_answer(self.ask("GET", "/hooks/meta" + query + VERIFY), 200, b"1158201444", "text/plain")
        self.assertEqual(self.ask("GET", "/hooks/meta" + query + "other")[0], 401)
        self.assertEqual(self.ask("GET", "/hooks/meta")[0], 401)
        self.assert_answer(self.ask("GET", "/hooks/dropbox?challenge=abc"), 200, b"abc", "text/plain")
        self.assertEqual(self.ask("GET", "/hooks/dropbox?challenge=%3C")[0], 400)


class LearningTest(AskingTest):
    def setUp(self):
        keys = tempfile.TemporaryDirectory(prefix="hookbridge-keys-")
        self.addCleanup(keys.cleanup)
        self.keys = pathlib.Path(keys.name)
        self.config = configuration(LEARNING).replace("KEYS", keys.name)
        super().setUp()

    def learn(self, source, *flags):
        """hookctl, once the bridge waits for it."""
        process = subprocess.Popen([HOOKCTL, "sources", "learn", source, "--grpc", self.bridge.grpc, *flags],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stderr.readline(), "waiting; make the provider send its key now\n")
        return process

    def asana(self, secret, path=f"/hooks/asana/{TOKEN}"):
        return self.ask("POST", path, {"X-Hook-Secret": secret, "Content-Type": "application/json"}, "{}")

    def asana_event(self, secret, gid):
        body = json.dumps({"events": [{"action": "changed", "created_at": "2026-01-01T00:00:00.000Z",
                                       "resource": {"gid": gid, "resource_type": "task"}}]}).encode()
        signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
        return self.ask("POST", f"/hooks/asana/{TOKEN}", {"X-Hook-Signature": signature}, body)[0]

    def test_asana(self):
        secret = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"
        self.assertEqual(self.asana_event(secret, "1"), 401, "no key yet")
        self.assertEqual(self.asana(secret)[0], 503, "nobody waits")
        operator = self.learn("asana")
        second = subprocess.run([HOOKCTL, "sources", "learn", "asana", "--grpc", self.bridge.grpc],
                                capture_output=True, text=True, env=environment())
        self.assertEqual(second.returncode, 1)
        self.assertIn("another call waits", second.stderr)
        self.assertEqual(self.asana(secret, "/hooks/asana/wrong")[0], 401)
        self.assertEqual(self.asana(secret, "/hooks/asana")[0], 401)
        answer = self.asana(secret)
        # The provider has its answer, so the key is there, whatever happens.
        self.bridge.kill9()
        self.assertEqual((answer[0], answer[1]["x-hook-secret"], answer[2]), (200, secret, b""))
        file = self.keys / "asana"
        self.assertEqual(file.read_text(), secret + "\n")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        operator.kill()
        self.bridge.start()
        self.assertEqual(self.asana_event(secret, "1"), 200)
        self.assertEqual(self.asana_event("other", "2"), 401)
        self.assertEqual(self.asana("an-attacker-s-key")[0], 503, "the handshake is over")
        events = [d["event"] for d in self.bridge.read_all()]
        self.assertEqual([(e["type"], e["subject"]) for e in events], [("task.changed", "1")])
        self.assertNotIn(secret, self.bridge.log_text())

    def test_notion(self):
        secret = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
        operator = self.learn("notion", "--wait", "5m")
        answer = self.ask("POST", "/hooks/notion", {"Content-Type": "application/json"},
                          json.dumps({"verification_token": secret}))
        self.assertEqual((answer[0], answer[2]), (200, b""))
        out, err = operator.communicate(timeout=60)
        self.assertEqual((operator.returncode, out), (0, secret + "\n"), err)
        self.assertIn(str(self.keys / "notion"), err)
        body = json.dumps({"id": "e1", "type": "page.created", "attempt_number": 1, "entity": {"id": "p"}}).encode()
        headers = {"X-Notion-Signature": "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()}
        self.assertEqual(self.ask("POST", "/hooks/notion", headers, body)[0], 200)
        [delivery] = self.bridge.read_all()
        self.assertEqual(delivery["event"]["dedup_key"], "e1")
        [listed] = self.bridge.call(ADMIN, "ListSources", {})
        [notion] = [s for s in listed["sources"] if s["name"] == "notion"]
        self.assertEqual([(k["id"], k["matched_total"]) for k in notion["keys"]], [("learned", "1")])
        self.assertNotIn(secret, json.dumps(listed) + self.bridge.log_text())

    def test_a_wait_that_is_given_up(self):
        operator = self.learn("notion")
        operator.kill()
        operator.wait()
        # The bridge sees the end of the connection; the wait is over when another can begin.
        while True:
            process = subprocess.run([HOOKCTL, "sources", "learn", "notion", "--wait", "1s", "--grpc",
                                      self.bridge.grpc], capture_output=True, text=True, env=environment())
            self.assertEqual(process.returncode, 1)
            if "another call waits" not in process.stderr:
                break
        self.assertIn("no key came", process.stderr)
        self.assertEqual(self.ask("POST", "/hooks/notion", body='{"verification_token":"x"}')[0], 503)

    def test_stopping_ends_the_wait(self):
        operator = self.learn("notion")
        self.assertEqual(self.bridge.terminate(), 0)
        self.assertEqual(operator.wait(timeout=60), 3)

    def test_check_says_what_is_not_learned(self):
        checked = subprocess.run([HOOKBRIDGE, "check", "--config", self.bridge.directory / "hookbridge.yaml"],
                                 capture_output=True, text=True, env=environment())
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual(checked.stderr.count("no key is learned yet"), 2, checked.stderr)


if __name__ == "__main__":
    unittest.main()
