"""Certificates that change while the bridge serves: both ports, by SIGHUP and by the files alone."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest

from harness import ADMIN, CONFIG, GRPCURL, BridgeTest

TLS_CONFIG = CONFIG.replace('ingress: {{listen: "127.0.0.1:{http}"}}', """
ingress:
  listen: "127.0.0.1:{http}"
  tls: {{certificate_chain_file: "{data}-cert.pem", private_key_file: "{data}-key.pem"}}""").replace(
      'grpc: {{listen: "127.0.0.1:{grpc}"}}', """
grpc:
  listen: "127.0.0.1:{grpc}"
  tls: {{certificate_chain_file: "{data}-cert.pem", private_key_file: "{data}-key.pem",
         client_ca_file: "{data}-clients.pem"}}""")


def make_certificate(directory, name, certificate="data-cert.pem", key="data-key.pem"):
    """Signed by itself and for localhost; the files change in one step each."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "90", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", directory / "new-key.pem", "-out", directory / "new-cert.pem"],
                   check=True, capture_output=True)
    os.replace(directory / "new-key.pem", directory / key)
    os.replace(directory / "new-cert.pem", directory / certificate)


def served_name(port):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20)) as wire:
        der = wire.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der, capture_output=True,
                          check=True).stdout.decode()
    return text.strip().rpartition("=")[2].strip()


class CertificatesTest(BridgeTest):
    config = TLS_CONFIG

    def setUp(self):
        # The files have to be there before the bridge starts.
        start, self.bridge_class = self.bridge_class.start, type("Certified", (self.bridge_class,), {})

        def start_with_files(bridge):
            if not (bridge.directory / "data-cert.pem").exists():
                make_certificate(bridge.directory, "one")
                make_certificate(bridge.directory, "client", "data-clients.pem", "client-key.pem")
            return start(bridge)
        self.bridge_class.start = start_with_files
        super().setUp()

    def sources(self, expect):
        directory = self.bridge.directory
        said = subprocess.run([GRPCURL, "-cacert", directory / "data-cert.pem", "-cert", directory / "data-clients.pem", "-key",
                               directory / "client-key.pem", "-servername", "localhost", self.bridge.grpc,
                               f"{ADMIN}/ListSources"], capture_output=True, text=True, timeout=60)
        self.assertEqual(said.returncode == 0, expect, said.stderr)

    def wait_for_both(self, event, offset):
        """Each port tells for itself."""
        deadline = time.monotonic() + 60
        while self.bridge.log_text()[offset:].count(f'"event":"{event}"') < 2:
            self.assertLess(time.monotonic(), deadline, self.bridge.log_text()[offset:])
            time.sleep(0.01)

    def names(self):
        return served_name(self.bridge.http_port), served_name(self.bridge.grpc_port)

    def test_both_ports_take_new_certificates(self):
        self.assertEqual(self.names(), ("one", "one"))
        self.sources(True)
        offset = len(self.bridge.log_text())
        make_certificate(self.bridge.directory, "two")
        self.bridge.process.send_signal(signal.SIGHUP)
        self.wait_for_both("certificates_read", offset)
        self.assertEqual(self.names(), ("two", "two"))
        self.sources(True)

        # A key that is another's changes nothing, and the log says so.
        offset = len(self.bridge.log_text())
        shutil.copy(self.bridge.directory / "client-key.pem", self.bridge.directory / "data-key.pem")
        self.bridge.process.send_signal(signal.SIGHUP)
        refused = self.bridge.wait_for_line("certificates_not_read", offset)
        self.assertIn("does not belong", refused["detail"])
        self.assertEqual(self.names(), ("two", "two"))

        # Files that change are read without a signal.
        offset = len(self.bridge.log_text())
        make_certificate(self.bridge.directory, "three")
        self.wait_for_both("certificates_read", offset)
        self.assertEqual(self.names(), ("three", "three"))
        self.sources(True)


if __name__ == "__main__":
    unittest.main()
