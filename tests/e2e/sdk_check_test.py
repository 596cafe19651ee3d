"""The providers' own SDKs agree with the bridge: what an SDK signs is stored, what hookctl signs an SDK
accepts, and both refuse a changed byte. The packages come from the npm registry; where it cannot be
reached the test says so and checks nothing, the only one here that may."""

import base64
import hashlib
import http.server
import json
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

from harness import CONFIG, HOOKCTL, SOURCE, BridgeTest

CHECK = pathlib.Path(__file__).resolve().parent / "sdk_check"
URL = "https://hooks.example/hooks/"
TEXT_KEY = "a-shared-secret-0123456789"
STANDARD_KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
HEX_KEY = "00112233445566778899aabbccddeeff"
KEYS = {"svix": STANDARD_KEY, "standard_webhooks": STANDARD_KEY, "clerk": STANDARD_KEY, "resend": STANDARD_KEY,
        "adyen_payments": HEX_KEY,
        "adyen_platforms": HEX_KEY, "stripe": "whsec_" + TEXT_KEY}
PACKAGES = {"stripe": "stripe", "svix": "svix", "standard_webhooks": "standardwebhooks",
            "github": "@octokit/webhooks-methods", "twilio": "twilio", "adyen_payments": "@adyen/api-library",
            "adyen_platforms": "@adyen/api-library", "hubspot": "@hubspot/api-client",
            "coinbase_commerce": "coinbase-commerce-node", "razorpay": "razorpay", "square": "square",
            "sendgrid": "@sendgrid/eventwebhook", "discord": "discord-interactions",
            "paddle": "@paddle/paddle-node-sdk", "linear": "@linear/sdk", "gocardless": "gocardless-nodejs",
            "clerk": "svix", "resend": "resend", "box": "box-node-sdk", "mercado_pago": "mercadopago",
            "dropbox_sign": "@dropbox/sign"}
BODIES = {"twilio": "MessageSid=SM1&Body=a+b%26c&MessageStatus=sent",
          "hubspot": '[{"eventId":1,"subscriptionId":2,"objectId":3,"occurredAt":4,"subscriptionType":"t"}]'}
INSTALL_SECONDS_MAX = 240


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True).stdout


def install():
    """The folder with the packages, made once for each lock file; None when the registry is out of reach."""
    lock = hashlib.sha256((CHECK / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = SOURCE / ".cache" / "sdk-check" / lock
    if not (folder / "done").exists():
        print("installing the providers' SDKs with npm", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CHECK / name, folder)
        try:
            npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                                 capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return None
        if npm.returncode != 0:
            if "ENOTFOUND" in npm.stderr or "EAI_AGAIN" in npm.stderr or "ETIMEDOUT" in npm.stderr \
                    or "ECONNREFUSED" in npm.stderr or "network" in npm.stderr:
                return None
            raise AssertionError("npm ci failed: " + npm.stderr)
        (folder / "done").touch()
    shutil.copy(CHECK / "sdk.cjs", folder)
    return folder


class Capture(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        query = self.path.partition("?")[2]
        self.server.seen.append(({k.lower(): v for k, v in self.headers.items()}, body, query))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class SdkCheckTest(BridgeTest):
    def setUp(self):
        self.folder = install()
        if self.folder is None:
            return
        keys = tempfile.TemporaryDirectory(prefix="hookbridge-keys-")
        self.addCleanup(keys.cleanup)
        self.private, public = {}, {}
        for preset, how in (("discord", ["genpkey", "-algorithm", "ed25519"]),
                            ("sendgrid", ["ecparam", "-name", "prime256v1", "-genkey", "-noout"])):
            self.private[preset] = pathlib.Path(keys.name) / preset
            openssl(*how, "-out", str(self.private[preset]))
            public[preset] = openssl("pkey", "-in", str(self.private[preset]), "-pubout", "-outform", "DER")
        self.keys = {preset: KEYS.get(preset, TEXT_KEY) for preset in PACKAGES}
        self.keys["discord"] = public["discord"][-32:].hex()
        self.keys["sendgrid"] = base64.b64encode(public["sendgrid"]).decode()
        sources = "sources:\n" + "".join(
            f"  - {{name: {self.name(p)}, preset: {p}, keys: [{{secret: 'inline:{k}'}}], public_url: '{self.url(p)}'}}\n"
            for p, k in self.keys.items())
        self.config = CONFIG.split("sources:")[0] + sources.replace("{", "{{").replace("}", "}}")
        super().setUp()
        self.node = subprocess.Popen(["node", "sdk.cjs"], cwd=self.folder, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end_node)

    def end_node(self):
        self.node.stdin.close()
        self.node.wait(timeout=30)
        self.node.stdout.close()

    @staticmethod
    def name(preset):
        return preset.replace("_", "-")

    def url(self, preset):
        return URL + self.name(preset)

    def ask(self, **request):
        self.node.stdin.write(json.dumps(request) + "\n")
        self.node.stdin.flush()
        answer = json.loads(self.node.stdout.readline())
        self.assertNotIn("failed", answer)
        return answer

    @staticmethod
    def changed(preset, text):
        """Another body of the same form; of Adyen's payments one of the eight fields that are signed."""
        if preset == "adyen_payments":
            return text.replace("AUTHORISATION", "CANCELLATION")
        return text.replace("1", "2", 1)

    def sdk_signs(self, preset):
        made = self.ask(sdk=preset, do="sign", secret=self.keys[preset], url=self.url(preset),
                        body=BODIES.get(preset, '{"id":"evt_1","type":"a.b","text":"\\u00e9 \u00e9"}'))
        body = made["body"].encode()
        changed = self.changed(preset, made["body"]).encode()
        self.assertNotEqual(body, changed)
        path = "/hooks/" + self.name(preset)
        refused = self.bridge.post(path, changed, made["headers"])[0]
        taken = self.bridge.post(path, body, made["headers"])[0]
        return taken // 100 == 2 and refused in (401, 498)

    def hookctl_signs(self, preset, server):
        secret = f"file:{self.private[preset]}" if preset in self.private else f"inline:{self.keys[preset]}"
        del server.seen[:]
        sent = subprocess.run(
            [HOOKCTL, "send", preset, "--secret", secret, "--public-url", self.url(preset),
             "--url", f"http://127.0.0.1:{server.server_port}/hooks/x"], capture_output=True, text=True, timeout=60)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        headers, body, query = server.seen[0]
        request = {"sdk": preset, "do": "verify", "headers": headers, "secret": self.keys[preset],
                   "url": self.url(preset), "body": body.decode(), "query": query}
        # Of the body, or where that is not signed of the query.
        field = "query" if preset == "mercado_pago" else "body"
        changed = dict(request, **{field: self.changed(preset, request[field])})
        self.assertNotEqual(request, changed)
        return self.ask(**request)["ok"] and not self.ask(**changed)["ok"]

    def test_every_sdk_agrees(self):
        if self.folder is None:
            print("the npm registry cannot be reached: the SDKs were NOT asked")
            return
        signing = self.ask(do="list")
        self.assertEqual(set(signing), set(PACKAGES))
        server = http.server.HTTPServer(("127.0.0.1", 0), Capture)
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        rows = []
        for preset, package in PACKAGES.items():
            version = json.loads((self.folder / "node_modules" / package / "package.json").read_text())["version"]
            for direction, check in (("SDK signs, bridge verifies", lambda: self.sdk_signs(preset)),
                                     ("hookctl signs, SDK verifies", lambda: self.hookctl_signs(preset, server))):
                if direction.startswith("SDK") and not signing[preset]:
                    continue
                with self.subTest(f"{preset}: {direction}"):
                    agreed = check()
                    rows.append((preset, f"{package} {version}", direction, "agree" if agreed else "DISAGREE"))
                    self.assertTrue(agreed)
        for row in rows:
            print("{:<20} {:<34} {:<28} {}".format(*row))
        print(f"{len(rows)} checks, each with a good and a changed body")


if __name__ == "__main__":
    unittest.main()
