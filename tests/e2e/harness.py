"""Verbs for the end-to-end tests: a real bridge process, real sockets, and tools of others."""

import hashlib
import hmac
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["HOOKBRIDGE_BUILD"])
HOOKBRIDGE = BUILD / "server" / "hookbridge"
HOOKCTL = BUILD / "client" / "hookctl" / "hookctl"
GRPCURL = SOURCE / ".cache" / "tools" / "bin" / "grpcurl"
BUF = SOURCE / ".cache" / "tools" / "bin" / "buf"
DELIVERY = "hookbridge.v1.DeliveryService"
ADMIN = "hookbridge.admin.v1.AdminService"

PO_TOKEN = "po-0123456789abcdef"
STRIPE_SECRET = "whsec_e2e_secret"
CONFIG = """
ingress: {{listen: "127.0.0.1:{http}"}}
grpc: {{listen: "127.0.0.1:{grpc}"}}
journal: {{directory: "{data}"}}
sources:
  - name: po
    preset: payment_options
    keys: [{{secret: "env:PO_TOKEN"}}]
  - name: stripe
    preset: stripe
    keys: [{{secret: "env:STRIPE_SECRET"}}]
"""


def environment():
    return dict(os.environ, PO_TOKEN=PO_TOKEN, STRIPE_SECRET=STRIPE_SECRET)


def stripe_headers(body, secret=STRIPE_SECRET, at=None):
    """What Stripe sends with `body`: made with Python's hmac, not with our signer."""
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={mac}", "Content-Type": "application/json"}


def stripe_event(event_id, **fields):
    return json.dumps({"id": event_id, "type": "invoice.paid", "livemode": False, **fields}).encode()


class Bridge:
    """A bridge process with a data directory of its own; restarts keep ports and data."""

    def __init__(self, directory, config=CONFIG):
        self.directory = pathlib.Path(directory)
        self.config_template = config
        self.http_port = 0
        self.grpc_port = 0
        self.process = None
        self.log = None

    def start(self):
        config = self.directory / "hookbridge.yaml"
        config.write_text(self.config_template.format(
            http=self.http_port, grpc=self.grpc_port, data=self.directory / "data"))
        self.close_log()
        self.log = open(self.directory / "bridge.log", "ab")
        offset = self.log.tell()
        self.process = subprocess.Popen(self.command(config), stderr=self.log, env=environment())
        listening = self.wait_for_line("listening", offset)
        self.http_port = int(listening["http"].rsplit(":", 1)[1])
        self.grpc_port = int(listening["grpc"].rsplit(":", 1)[1])
        return self

    def command(self, config):
        return [HOOKBRIDGE, "serve", "--config", config]

    def wait_for_line(self, event, offset):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for line in self.log_text()[offset:].split("\n")[:-1]:  # the last may still be written
                if line.startswith("{") and json.loads(line)["event"] == event:
                    return json.loads(line)
            if self.process.poll() is not None:
                raise AssertionError("the bridge stopped: " + self.log_text()[offset:])
            time.sleep(0.01)
        raise AssertionError(f"no `{event}` in the log")

    def log_text(self):
        return (self.directory / "bridge.log").read_text(errors="replace")

    @property
    def grpc(self):
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http_port}"

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def stop(self):
        """Ends it; fails with the end of its log if it had died by itself."""
        died = self.process is not None and self.process.returncode is None and self.process.poll()
        if self.process is not None and self.process.poll() is None:
            self.kill9()
        self.close_log()
        if died:
            raise AssertionError(f"the bridge died with {died}:\n{self.log_text()[-12000:]}")

    def close_log(self):
        if self.log is not None:
            self.log.close()
        self.log = None

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)

    def post(self, path, body, headers):
        connection = self.connect()
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post_stripe(self, event_id, **fields):
        body = stripe_event(event_id, **fields)
        return self.post("/hooks/stripe", body, stripe_headers(body))

    def grpcurl(self, *arguments, check=True):
        result = subprocess.run([GRPCURL, "-plaintext", *arguments], capture_output=True, text=True,
                                timeout=60)
        if check and result.returncode != 0:
            raise AssertionError(f"grpcurl {arguments}: {result.stderr}")
        return result

    def call(self, service, method, request):
        """Calls through reflection; the messages of the answer."""
        result = self.grpcurl("-max-msg-sz", "8000000", "-d", json.dumps(request), self.grpc,
                              f"{service}/{method}")
        return read_messages(result.stdout)

    def read_all(self, **read):
        """Every delivery from the oldest to the head."""
        read = {"preset": "START_PRESET_EARLIEST", "stop_at_end": True, **read}
        messages = self.call(DELIVERY, "Subscribe", {"cursor_read": read, "max_batch_events": 1024})
        return [d for m in messages for d in m.get("batch", {}).get("deliveries", [])]


def read_messages(text):
    """JSON values one after the other."""
    decoder, messages, at = json.JSONDecoder(), [], 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return messages
        message, at = decoder.raw_decode(text, at)
        messages.append(message)


class BridgeTest(unittest.TestCase):
    """A test with a running bridge."""

    config = CONFIG
    bridge_class = Bridge

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hookbridge-e2e-")
        self.addCleanup(self.directory.cleanup)
        self.bridge = self.bridge_class(self.directory.name, self.config)
        self.addCleanup(self.bridge.stop)
        self.bridge.start()
