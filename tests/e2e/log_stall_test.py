"""A log that nobody reads stops neither webhooks nor the end of the process."""

import fcntl
import json
import os
import subprocess
import threading
import unittest

from harness import CONFIG, Bridge, BridgeTest, environment, stripe_event, stripe_headers

QUEUE_BYTES = 1 << 20  # limits::kLogQueueBytesMax
PIPE_BYTES = 4096


class Unread(Bridge):
    """Its stderr is a small pipe, which is read up to `listening` and then no more."""

    def __init__(self, directory, config=CONFIG):
        super().__init__(directory, config + "log: {{requests: true}}\n")
        self.read_end = None
        self.is_being_read = threading.Event()  # and the queue has room again

    def start(self):
        self.read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        config = self.directory / "hookbridge.yaml"
        config.write_text(self.config_template.format(http=0, grpc=0, data=self.directory / "data"))
        self.process = subprocess.Popen(self.command(config), stderr=write_end, env=environment())
        os.close(write_end)
        text = b""
        while b'"listening"' not in text or not text.endswith(b"\n"):
            some = os.read(self.read_end, 1)
            if not some:
                raise AssertionError(f"the bridge stopped: {text}")
            text += some
        self.http_port = int(json.loads(text.splitlines()[-1])["http"].rsplit(":", 1)[1])
        return self

    def read_all(self):
        text = b""
        while some := os.read(self.read_end, 65536):
            text += some
            if len(text) > QUEUE_BYTES // 8:
                self.is_being_read.set()
        return [json.loads(line) for line in text.splitlines()]

    def log_text(self):
        return ""

    def stop(self):
        super().stop()
        os.close(self.read_end)


class LogStallTest(BridgeTest):
    bridge_class = Unread

    # More lines than the pipe and the queue hold: a line has well over 200 bytes.
    def fill_the_log(self):
        connection = self.bridge.connect()
        for i in range((QUEUE_BYTES + PIPE_BYTES) // 200 + 1):
            body = stripe_event(f"evt_{i}")
            connection.request("POST", "/hooks/stripe", body, stripe_headers(body))
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200, i)
        connection.request("GET", "/livez")
        answer = connection.getresponse()
        answer.read()
        self.assertEqual(answer.status, 200)
        connection.close()

    def test_nobody_reads(self):
        self.fill_the_log()
        self.assertEqual(self.bridge.terminate(), 0)

    def test_who_reads_late_is_told_what_is_lost(self):
        self.fill_the_log()
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(self.bridge.read_all()))
        reader.start()
        self.assertTrue(self.bridge.is_being_read.wait(60))
        self.assertEqual(self.bridge.terminate(), 0)
        reader.join()
        self.assertEqual(lines[-1]["event"], "stopped")
        self.assertGreater(sum(line.get("dropped", 0) for line in lines), 0)


if __name__ == "__main__":
    unittest.main()
