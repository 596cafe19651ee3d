"""A process that may open few files: connections never take what the journal and the operator's port need."""

import socket
import subprocess
import unittest

from harness import ADMIN, HOOKBRIDGE, Bridge, BridgeTest, environment, stripe_event, stripe_headers

HARD = 700  # 512 are reserved, 256 gRPC connections would not fit beside them


class FewFiles(Bridge):
    def command(self, config):
        return ["prlimit", f"--nofile=64:{HARD}", *map(str, super().command(config))]


class DescriptorsTest(BridgeTest):
    bridge_class = FewFiles

    def test_idle_connections_leave_the_journal_its_files(self):
        self.assertIn("connections_max_lowered", self.bridge.log_text())
        kept = self.bridge.connect()
        kept.connect()
        idle = []
        self.addCleanup(lambda: [s.close() for s in idle])
        for _ in range(200):
            idle.append(socket.create_connection(("127.0.0.1", self.bridge.http_port), 10))
        # Whoever comes now is told so, and who was there is served: the store has its files.
        refused = idle[-1].makefile("rb").readline()
        self.assertIn(b"503", refused)
        for i in range(20):
            body = stripe_event(f"evt_{i}", filler="x" * 100_000)
            kept.request("POST", "/hooks/stripe", body, stripe_headers(body))
            answer = kept.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
        sources = self.bridge.call(ADMIN, "ListSources", {})[0]
        self.assertIn("connection_limit", sources["unattributed_rejections"])

    def test_check_says_so(self):
        said = subprocess.run([*map(str, self.bridge.command(self.bridge.directory / "hookbridge.yaml"))][:2] +
                              [HOOKBRIDGE, "check", "--config", self.bridge.directory / "hookbridge.yaml"],
                              capture_output=True, text=True, env=environment())
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("ingress.connections_max", said.stdout + said.stderr)


if __name__ == "__main__":
    unittest.main()
