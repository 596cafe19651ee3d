"""`hookbridge health`: what a container's health check asks, with no other tool."""

import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import CONFIG, HOOKBRIDGE, BridgeTest

TLS_CONFIG = CONFIG.replace('listen: "127.0.0.1:{http}"', 'listen: "0.0.0.0:{http}", tls: {{'
                            'certificate_chain_file: "{data}.crt", private_key_file: "{data}.key"}}')


def health(config):
    return subprocess.run([HOOKBRIDGE, "health", "--config", config], capture_output=True, text=True, timeout=60)


class HealthTest(BridgeTest):
    def rewrite(self, http):
        path = pathlib.Path(self.directory.name) / "asked.yaml"
        path.write_text(self.config.format(http=http, grpc=self.bridge.grpc_port, data=self.bridge.directory / "data"))
        return path

    # Exit code 0 while webhooks would be stored, 1 with the address when nobody listens.
    def test_ready_and_gone(self):
        config = self.rewrite(self.bridge.http_port)
        self.assertEqual((health(config).returncode, health(config).stdout), (0, "ready\n"))
        self.assertEqual(self.bridge.terminate(), 0)
        gone = health(config)
        self.assertEqual(gone.returncode, 1)
        self.assertIn(f"127.0.0.1:{self.bridge.http_port}: connect: Connection refused", gone.stderr)

    # Any other answer is not ready: 503, something that is no HTTP, nothing.
    def test_other_answers_are_not_ready(self):
        for answer, said in ((b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "/readyz answers 503"),
                             (b"SSH-2.0\r\n", "not HTTP"), (b"", "not HTTP")):
            with socket.create_server(("127.0.0.1", 0)) as server:
                thread = threading.Thread(target=self.answer_once, args=(server, answer))
                thread.start()
                result = health(self.rewrite(server.getsockname()[1]))
                thread.join()
            self.assertEqual(result.returncode, 1)
            self.assertIn(said, result.stderr)

    @staticmethod
    def answer_once(server, answer):
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    # A wrong file and an unknown port are said, not guessed.
    def test_configuration_that_cannot_be_asked(self):
        self.assertIn("port 0", health(self.rewrite(0)).stderr)
        self.assertEqual(health("/nonexistent.yaml").returncode, 1)


class TlsHealthTest(unittest.TestCase):
    # A listener with TLS on all addresses is asked on loopback, over TLS.
    def test_over_tls(self):
        from harness import Bridge
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bridge",
                            "-keyout", f"{directory}/data.key", "-out", f"{directory}/data.crt"],
                           check=True, capture_output=True, timeout=60)
            bridge = Bridge(directory, TLS_CONFIG)
            self.addCleanup(bridge.stop)
            bridge.start()
            config = pathlib.Path(directory) / "asked.yaml"
            config.write_text(TLS_CONFIG.format(http=bridge.http_port, grpc=0, data=bridge.directory / "data"))
            self.assertEqual(health(config).stdout, "ready\n")


if __name__ == "__main__":
    unittest.main()
