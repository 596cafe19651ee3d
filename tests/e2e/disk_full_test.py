"""A disk that is really full: a small tmpfs in a mount namespace of its own. Where that is not
allowed (an unprivileged container), the process may write no larger file instead."""

import subprocess
import time
import unittest

from harness import HOOKBRIDGE, Bridge, BridgeTest, stripe_event, stripe_headers

SMALL_MB = 24
MAY_MOUNT = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                           capture_output=True).returncode == 0


class SmallDiskBridge(Bridge):
    """Its data directory is a file system of SMALL_MB, which the test can let grow."""

    def command(self, config):
        if not MAY_MOUNT:
            limit = f"--fsize={SMALL_MB << 19}:"
            return ["prlimit", limit, HOOKBRIDGE, "serve", "--config", config]
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        script = (f"mount -t tmpfs -o size={SMALL_MB}m none {data} && "
                  f"exec {HOOKBRIDGE} serve --config {config}")
        return ["unshare", "--mount", "sh", "-c", script]

    def grow(self, megabytes):
        if not MAY_MOUNT:
            subprocess.run(["prlimit", "--pid", str(self.process.pid), f"--fsize={megabytes << 20}:"],
                           check=True)
            return
        subprocess.run(["nsenter", "-t", str(self.process.pid), "-m", "mount", "-o",
                        f"remount,size={megabytes}m", self.directory / "data"], check=True)


class DiskFullTest(BridgeTest):
    bridge_class = SmallDiskBridge

    def post_large(self, event_id):
        body = stripe_event(event_id, filler="x" * 700_000)
        connection = self.bridge.connect()
        try:
            connection.request("POST", "/hooks/stripe", body, stripe_headers(body))
            answer = connection.getresponse()
            return answer.status, answer.getheader("Retry-After"), answer.read()
        finally:
            connection.close()

    def ready(self):
        connection = self.bridge.connect()
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    # 503 with Retry-After and not ready while it is full; heals by itself; nothing acknowledged is
    # lost; the retry of what was refused is stored once.
    def test_full_then_grown(self):
        stored, refused = [], None
        for number in range(100):
            status, retry_after, _ = self.post_large(f"evt_{number}")
            if status != 200:
                self.assertEqual((status, retry_after), (503, "5"))
                refused = f"evt_{number}"
                break
            stored.append(f"evt_{number}")
        self.assertIsNotNone(refused, f"{len(stored)} events of 700 kB fit into {SMALL_MB} MB")
        self.assertGreater(len(stored), 5)
        self.assertFalse(self.ready())
        self.assertIn("append_failed", self.bridge.log_text())
        self.bridge.grow(400)
        deadline = time.monotonic() + 60
        while not self.ready():
            self.assertLess(time.monotonic(), deadline, self.bridge.log_text()[-2000:])
            time.sleep(0.05)
        self.assertEqual(self.post_large(refused)[0], 200)
        self.assertEqual(self.post_large("evt_after")[0], 200)
        keys = [d["event"]["dedup_key"] for d in self.bridge.read_all()]
        self.assertEqual(len(keys), len(set(keys)), "something is stored twice")
        # A 503 means unknown: what was refused may have been stored before its retry.
        self.assertEqual([k for k in keys if k in stored], stored)
        self.assertIn(refused, keys)
        self.assertEqual(keys[-1], "evt_after")


if __name__ == "__main__":
    unittest.main()
