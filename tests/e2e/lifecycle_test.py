"""Start, stop, health, and what a wrong configuration says."""

import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from harness import (ADMIN, CONFIG, DELIVERY, HOOKBRIDGE, HOOKCTL, STRIPE_SECRET, Bridge, BridgeTest, environment,
                     read_messages, stripe_event, stripe_headers)


class LifecycleTest(BridgeTest):
    # SIGTERM: streams are told where to resume, the process exits 0, and resuming there loses nothing.
    def test_drain_ends_streams_with_a_cursor(self):
        self.assertEqual(self.bridge.post_stripe("evt_1")[0], 200)
        from harness import GRPCURL
        stream = subprocess.Popen(
            [GRPCURL, "-plaintext", "-d", '{"cursor_read": {"preset": "START_PRESET_EARLIEST"}}',
             self.bridge.grpc, f"{DELIVERY}/Subscribe"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        seen = ""
        while "caught_up" not in seen:
            line = stream.stdout.readline()
            self.assertTrue(line, "the stream ended early")
            seen += line
        self.assertEqual(self.bridge.terminate(), 0)
        rest, errors = stream.stdout.read(), stream.stderr.read()
        stream.wait(timeout=30)
        stream.stdout.close()
        stream.stderr.close()
        messages = read_messages(seen + rest)
        self.assertEqual(messages[-1]["ending"]["reason"], "ENDING_REASON_DRAINING")
        self.assertIn("Unavailable", errors)
        self.bridge.start()
        self.assertEqual(self.bridge.post_stripe("evt_2")[0], 200)
        resumed = self.bridge.call(DELIVERY, "Subscribe", {"cursor_read": {
            "after_cursor": messages[-1]["ending"]["cursor"], "stop_at_end": True}})
        keys = [d["event"]["dedup_key"] for m in resumed for d in m.get("batch", {}).get("deliveries", [])]
        self.assertEqual(keys, ["evt_2"])

    # SIGHUP reads secrets again without a restart; what is wrong leaves all as it is.
    def test_keys_are_read_again(self):
        secret = self.bridge.directory / "secret"
        secret.write_text("whsec_one\n")
        self.bridge.terminate()
        self.bridge.config_template = CONFIG.replace("env:STRIPE_SECRET", f"file:{secret}")
        self.bridge.start()

        def send(event_id, key):
            body = stripe_event(event_id)
            return self.bridge.post("/hooks/stripe", body, stripe_headers(body, key))[0]

        self.assertEqual(send("evt_1", "whsec_one"), 200)
        keys = self.bridge.call(ADMIN, "ListSources", {})[0]["sources"][1]["keys"]
        self.assertEqual((keys[0]["id"], keys[0]["matched_total"]), ("1", "1"))
        for text, event, old, new in (("", "keys_not_read", 200, 401), ("whsec_two\n", "keys_read", 401, 200)):
            secret.write_text(text)
            offset = len(self.bridge.log_text())
            self.bridge.process.send_signal(signal.SIGHUP)
            self.bridge.wait_for_line(event, offset)
            self.assertEqual(send(f"evt_old_{event}", "whsec_one"), old)
            self.assertEqual(send(f"evt_new_{event}", "whsec_two"), new)
        self.assertNotIn("whsec_", self.bridge.log_text())

    # What a wrong secret refused becomes an event when the secret is mended, in its old place in time.
    def test_quarantine(self):
        secret = self.bridge.directory / "secret"
        secret.write_text("whsec_wrong\n")
        self.bridge.terminate()
        kept = self.bridge.directory / "quarantine"
        self.bridge.config_template = CONFIG.replace("env:STRIPE_SECRET", f"file:{secret}") + \
            f'quarantine: {{{{directory: "{kept}"}}}}\n'
        self.bridge.start()
        for number in (1, 2):
            self.assertEqual(self.bridge.post_stripe(f"evt_{number}")[0], 401)
        self.assertEqual(self.bridge.post("/hooks/stripe", stripe_event("evt_3"),
                                          stripe_headers(b"forged"))[0], 401)
        self.assertEqual(self.bridge.post("/hooks/none", b"{}", {})[0], 404)

        def hookctl(*words):
            return subprocess.run([HOOKCTL, "quarantine", *words, "--grpc", self.bridge.grpc],
                                  capture_output=True, text=True, timeout=60)

        deadline = time.monotonic() + 30
        while len(list(kept.glob("*.request"))) < 3:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        listed = hookctl("list", "--source", "stripe").stdout
        self.assertEqual(listed.count("signature_mismatch"), 3, listed)
        self.assertEqual(hookctl("reverify", "--source", "stripe").stdout.count("refused again"), 3)

        secret.write_text(STRIPE_SECRET)
        offset = len(self.bridge.log_text())
        self.bridge.process.send_signal(signal.SIGHUP)
        self.bridge.wait_for_line("keys_read", offset)
        again = hookctl("reverify", "--source", "stripe")
        self.assertEqual((again.stdout.count("taken"), again.stdout.count("refused again")), (2, 1), again)
        self.assertEqual(again.returncode, 1, "one was refused")
        events = self.bridge.call(ADMIN, "ListEvents", {})[0]["events"]
        self.assertEqual([e["dedup_key"] for e in events], ["evt_1", "evt_2"])
        self.assertEqual(len(list(kept.glob("*.request"))), 1)
        unknown = hookctl("reverify", "nothing")
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn("no quarantined request", unknown.stderr)

    # Health over gRPC and HTTP.
    def test_health(self):
        health = self.bridge.call("grpc.health.v1.Health", "Check", {"service": DELIVERY})
        self.assertEqual(health, [{"status": "SERVING"}])
        connection = self.bridge.connect()
        for path in ("/livez", "/readyz"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
        connection.close()

    # A port that is taken: exit code 1 and the address in the message.
    def test_taken_ports_are_named(self):
        for taken in ("http", "grpc"):
            with tempfile.TemporaryDirectory() as directory:
                other = Bridge(directory)
                setattr(other, f"{taken}_port", getattr(self.bridge, f"{taken}_port"))
                with self.assertRaises(AssertionError) as caught:
                    other.start()
                self.assertIn(str(getattr(self.bridge, f"{taken}_port")), str(caught.exception))
                self.assertEqual(other.process.returncode, 1)
                other.stop()

    # The data directory belongs to one process.
    def test_directory_in_use_is_refused(self):
        config = self.bridge.directory / "second.yaml"
        config.write_text(CONFIG.format(http=0, grpc=0, data=self.bridge.directory / "data"))
        second = subprocess.run([HOOKBRIDGE, "serve", "--config", config], env=environment(),
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(second.returncode, 1)
        self.assertIn("in use by another process", second.stderr)


class ConfigTest(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "c.yaml"
            path.write_text(text)
            return subprocess.run([HOOKBRIDGE, "check", "--config", path], env=environment(),
                                  capture_output=True, text=True, timeout=60)

    # All problems at once, each with file, line and field.
    def test_problems_have_file_line_and_fix(self):
        result = self.check("ingres: {}\nsources:\n  - name: UPPER\n    preset: stripe\n"
                            "    keys: [{secret: nonsense}]\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn("c.yaml:1:", result.stderr)
        self.assertIn("c.yaml:3:", result.stderr)
        self.assertIn("c.yaml:5:", result.stderr)

    # A preset that is not there lists those that are; a missing variable is named, no secret is.
    def test_preset_and_secret_problems(self):
        result = self.check("sources: [{name: a, preset: stripe, keys: [{secret: 'env:NOT_SET_HERE'}]}]")
        self.assertEqual(result.returncode, 1)
        self.assertIn("NOT_SET_HERE", result.stderr)
        result = self.check("sources: [{name: a, preset: strip, keys: [{secret: 'env:STRIPE_SECRET'}]}]")
        self.assertEqual(result.returncode, 1)
        self.assertIn("payment_options", result.stderr)

    def test_good_configuration(self):
        result = self.check(CONFIG.format(http=0, grpc=0, data="d"))
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
