"""Every command in README runs: blocks are found by the comment `<!-- test: NAME -->` before them."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness import BUILD, GRPCURL, HOOKBRIDGE, HOOKCTL, SOURCE, environment

README = (SOURCE / "README.md").read_text()
# What the examples of the configuration name.
SECRETS = {"PO_TOKEN": "po-0123456789abcdef", "STRIPE_SECRET": "whsec_readme", "ACME_SECRET": "acme-secret"}


def blocks():
    return dict(re.findall(r"<!-- test: ([a-z-]+) -->\n```[a-z]*\n(.*?)```", README, re.DOTALL))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ReadmeTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hookbridge-readme-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.ports = {"127.0.0.1:8080": f"127.0.0.1:{free_port()}", "127.0.0.1:9090": f"127.0.0.1:{free_port()}"}
        self.environment = dict(environment(), **SECRETS, HOOKBRIDGE_GRPC=self.ports["127.0.0.1:9090"])
        self.environment["PATH"] = os.pathsep.join(
            [str(HOOKBRIDGE.parent), str(HOOKCTL.parent), str(GRPCURL.parent), os.environ["PATH"]])

    def mine(self, text):
        for address, other in self.ports.items():
            text = text.replace(address, other)
        (self.directory / "stripe").write_text("whsec_readme\n")
        return (text.replace("file:/run/secrets/stripe", f"file:{self.directory}/stripe")
                .replace("/var/lib/hookbridge", f"{self.directory}/data"))

    def sh(self, block):
        result = subprocess.run(["bash", "-euo", "pipefail", "-c", self.mine(block)], cwd=self.directory, timeout=60,
                                env=self.environment, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, block + result.stdout + result.stderr)
        return result.stdout

    def serve(self, *arguments):
        log = open(self.directory / "log", "ab")
        process = subprocess.Popen([HOOKBRIDGE, *arguments], cwd=self.directory, env=self.environment,
                                   stdout=log, stderr=log)
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def await_ready(self):
        url = f"http://{self.ports['127.0.0.1:8080']}/readyz"
        for _ in range(600):
            try:
                return urllib.request.urlopen(url, timeout=5).read()
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.directory / "log").read_text())

    def test_the_configuration_and_what_is_done_with_it(self):
        parts = blocks()
        (self.directory / "hookbridge.yaml").write_text(self.mine(parts["config"]))
        self.serve("serve", "--config", "hookbridge.yaml")
        self.await_ready()
        self.assertIn("HTTP/1.1 200", self.sh(parts["by-hand"]))
        shown = self.sh(parts["grpcurl"])
        self.assertIn("rpc Subscribe", shown)
        self.assertIn("evt_by_hand", shown)
        self.assertIn('"accepted_total": "1"', shown)
        self.assertIn("invoice.paid", self.sh(parts["hookctl"]))

    # Ports are the documented ones unless a configuration says otherwise.
    def test_the_start_without_a_configuration(self):
        command = blocks()["start"].strip()
        self.assertTrue(command.startswith("hookbridge serve"))
        config = self.directory / "c.yaml"
        config.write_text(self.mine("ingress: {listen: \"127.0.0.1:8080\"}\n"))
        help_text = subprocess.run([HOOKBRIDGE, "--help"], capture_output=True, text=True).stdout
        self.assertIn("--data", help_text)
        with socket.socket() as http, socket.socket() as grpc:
            taken = http.connect_ex(("127.0.0.1", 8080)) == 0 or grpc.connect_ex(("127.0.0.1", 9090)) == 0
        if not taken:
            self.ports = {"127.0.0.1:8080": "127.0.0.1:8080"}
            self.serve(*command.split()[1:])
            self.await_ready()
        else:
            # Something else has the ports: the bridge must say which.
            process = self.serve(*command.split()[1:])
            self.assertNotEqual(process.wait(timeout=30), 0)
            self.assertRegex((self.directory / "log").read_text(), r"127\.0\.0\.1:(8080|9090)")

    def test_scripts_named_in_readme_exist(self):
        for script in re.findall(r"\./(scripts/[a-z.-]+)", README):
            self.assertTrue(os.access(SOURCE / script, os.X_OK), script)
        self.assertNotIn("MEASURED", README)
        self.assertTrue(BUILD.is_dir())


if __name__ == "__main__":
    unittest.main()
