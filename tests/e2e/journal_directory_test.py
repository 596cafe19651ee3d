"""A journal's directory and files under a running bridge: who may read them, and what happens when
they go away, come back, or lose something."""

import os
import shutil
import stat
import subprocess
import time
import unittest

from harness import DELIVERY, HOOKBRIDGE, HOOKCTL, BridgeTest


class JournalDirectoryTest(BridgeTest):
    def setUp(self):
        before = os.umask(0o022)
        self.addCleanup(os.umask, before)
        super().setUp()
        self.data = self.bridge.directory / "data"

    def ready(self):
        connection = self.bridge.connect()
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def await_ready(self, wanted):
        deadline = time.monotonic() + 60
        while self.ready() != wanted:
            self.assertLess(time.monotonic(), deadline, self.bridge.log_text()[-2000:])
            time.sleep(0.05)

    def journal(self):
        return subprocess.run([HOOKCTL, "journal", "--grpc", self.bridge.grpc],
                              capture_output=True, text=True, check=True, timeout=60).stdout

    # Payments are in it; files of an older build are closed at the next start.
    def test_is_this_users_alone(self):
        self.assertEqual(self.bridge.post_stripe("evt_1")[0], 200)
        self.bridge.terminate()
        self.data.chmod(0o755)
        for file in self.data.iterdir():
            file.chmod(0o644)
        self.bridge.start()
        self.assertEqual(self.bridge.post_stripe("evt_2")[0], 200)
        self.assertEqual(stat.S_IMODE(self.data.stat().st_mode), 0o700)
        self.assertEqual({f.name: stat.S_IMODE(f.stat().st_mode) for f in self.data.iterdir()
                          if stat.S_IMODE(f.stat().st_mode) != 0o600}, {})
        self.assertFalse((self.data / "LOG").exists(), "the engine's own log goes to ours")

    # Nothing is acknowledged into files that nobody will find; what is back goes on.
    def test_goes_away_and_comes_back(self):
        self.assertEqual(self.bridge.post_stripe("evt_1")[0], 200)
        away = self.data.with_name("away")
        self.data.rename(away)
        self.await_ready(False)
        self.assertEqual(self.bridge.post_stripe("evt_2")[0], 503)
        self.assertIn("is gone", self.journal())
        self.assertIn("journal_directory_lost", self.bridge.log_text())
        self.assertFalse(self.data.exists(), "another journal was begun")
        away.rename(self.data)
        self.await_ready(True)
        self.assertEqual(self.bridge.post_stripe("evt_2")[0], 200)
        self.bridge.kill9()
        self.bridge.start()
        keys = [d["event"]["dedup_key"] for d in self.bridge.read_all()]
        self.assertEqual(keys, ["evt_1", "evt_2"])

    # Older files under the same directory: a consumer that had read on is told, and its position is
    # given to no other event.
    def test_missing_events_are_noticed(self):
        for number in range(3):
            self.assertEqual(self.bridge.post_stripe(f"evt_{number}")[0], 200)
        self.bridge.kill9()
        older = self.data.with_name("older")
        shutil.copytree(self.data, older)
        self.bridge.start()
        for number in range(3, 5):
            self.assertEqual(self.bridge.post_stripe(f"evt_{number}")[0], 200)
        read = self.bridge.read_all()
        self.bridge.kill9()
        shutil.copy(self.data / "hookbridge.journal", older / "hookbridge.journal")
        shutil.rmtree(self.data)
        older.rename(self.data)

        self.bridge.start()
        self.assertIn("events_lost", self.bridge.log_text())
        self.assertIn("LOST      4 to 5", self.journal())
        self.assertEqual(self.bridge.post_stripe("evt_new")[0], 200)
        # Who had read all goes on with what is new.
        after = {"after_cursor": read[-1]["cursor"], "stop_at_end": True}
        messages = self.bridge.call(DELIVERY, "Subscribe", {"cursor_read": after})
        keys = [d["event"]["dedup_key"] for m in messages for d in m.get("batch", {}).get("deliveries", [])]
        self.assertEqual(keys, ["evt_new"])
        # Who had not is told; or passes the hole with a Gap.
        after = {"after_cursor": read[2]["cursor"], "stop_at_end": True}
        request = '{"cursor_read": {"after_cursor": "%s"}}' % read[2]["cursor"]
        told = self.bridge.grpcurl("-d", request, self.bridge.grpc, f"{DELIVERY}/Subscribe", check=False)
        self.assertIn("EVENTS_LOST", told.stderr)
        messages = self.bridge.call(DELIVERY, "Subscribe", {"cursor_read": {**after, "skip_expired": True}})
        gaps = [m["gap"] for m in messages if "gap" in m]
        self.assertEqual([g["reason"] for g in gaps], ["GAP_REASON_LOST"])
        self.bridge.terminate()
        inspect = subprocess.run([HOOKBRIDGE, "journal", "inspect", self.data], capture_output=True, text=True)
        self.assertEqual((inspect.returncode, "lost        4 to 5" in inspect.stdout), (0, True), inspect.stdout)


if __name__ == "__main__":
    unittest.main()
