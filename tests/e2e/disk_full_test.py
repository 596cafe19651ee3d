"""A disk that is really full: a small tmpfs in a mount namespace of its own. Where that is not
allowed (an unprivileged container), the process may write no larger file instead."""

import pathlib
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
        read = [d["event"]["dedup_key"] for d in self.bridge.read_all()]
        self.assertEqual([k for k in read if k in stored], stored, "what is stored is read meanwhile")
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

    # Another program fills the volume and leaves again, over and over: the bridge refuses, takes
    # again, and never dies; nothing that it acknowledged is lost, and it stops when it is told to.
    @unittest.skipUnless(MAY_MOUNT, "needs a volume of its own")
    def test_filled_and_freed_again_and_again(self):
        ballast = pathlib.Path(f"/proc/{self.bridge.process.pid}/root") / str(
            self.bridge.directory / "data").lstrip("/") / "ballast"
        stored, number = [], 0
        for _ in range(6):
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
            status = 200
            while status == 200:
                number += 1
                body = stripe_event(f"evt_{number}", filler="x" * 20_000)
                status = self.bridge.post("/hooks/stripe", body, stripe_headers(body))[0]
                if status == 200:
                    stored.append(f"evt_{number}")
            self.assertEqual(status, 503)
            self.assertGreaterEqual(len(self.bridge.read_all()), len(stored))
            ballast.unlink()
            deadline = time.monotonic() + 60
            while not self.ready():
                self.assertLess(time.monotonic(), deadline, self.bridge.log_text()[-2000:])
                time.sleep(0.05)
            self.assertEqual(self.bridge.post_stripe(f"evt_after_{number}")[0], 200)
            stored.append(f"evt_after_{number}")
        keys = [d["event"]["dedup_key"] for d in self.bridge.read_all()]
        self.assertEqual([k for k in keys if k in stored], stored)
        self.assertEqual(self.bridge.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
