#!/usr/bin/env python3
"""CPU that one forged webhook of 1 MB costs the bridge, by what its recipe reads before it refuses.

  tests/bench/forged_cost.py --build build/release [--requests 200]

Processor time of the whole process from /proc, over requests one after the other on one connection: the
machine's other work does not count."""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time

TOKEN, KEY = "forged-cost-token-0123456789", "inline:" + "0123456789abcdef" * 4
CONFIG = f"""
ingress: {{listen: "127.0.0.1:0"}}
grpc: {{listen: "127.0.0.1:0"}}
journal: {{engine: memory}}
sources:
  - {{name: token, preset: payment_options, keys: [{{secret: "inline:{TOKEN}"}}]}}
  - {{name: mac, preset: github, keys: [{{secret: "{KEY}"}}]}}
  - {{name: signed-items, preset: adyen_payments, keys: [{{secret: "{KEY}"}}]}}
  - {{name: signed-values, preset: mailgun, keys: [{{secret: "{KEY}"}}]}}
"""
ITEM = {"pspReference": "1", "amount": {"value": 1, "currency": "EUR"}, "additionalData": {"hmacSignature": "AAAA"}}
KINDS = {  # path, headers, body
    "token in the URL": ("/hooks/token/not-the-token-0123456789", "", '{"x":"' + "y" * 999_990 + '"}'),
    "MAC over the body": ("/hooks/mac", f"X-Hub-Signature-256: sha256={'0' * 64}\r\n", '{"x":"' + "y" * 999_990 + '"}'),
    "MAC over items of the body": ("/hooks/signed-items", "", json.dumps({"live": "false", "notificationItems": [
        {"NotificationRequestItem": {**ITEM, "x": ["abcdefgh"] * 80_000}}]})),
    "MAC over values of the body": ("/hooks/signed-values", "", json.dumps({
        "signature": {"timestamp": "1", "token": "t", "signature": "00"}, "x": [1] * 99_000}).ljust(1_000_000)),
}


def processor_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookbridge-cost-") as work:
        config, log = pathlib.Path(work) / "c.yaml", pathlib.Path(work) / "log"
        config.write_text(CONFIG)
        bridge = subprocess.Popen([options.build / "server" / "hookbridge", "serve", "--config", config],
                                  stderr=open(log, "wb"))
        try:
            while not (said := [line for line in log.read_text().splitlines() if '"listening"' in line]):
                if bridge.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.05)
            port = int(json.loads(said[0])["http"].rsplit(":", 1)[1])
            for kind, (path, headers, body) in KINDS.items():
                request = (f"POST {path} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: {len(body)}\r\n\r\n" + body).encode()
                before, wire = processor_ms(bridge.pid), socket.create_connection(("127.0.0.1", port))
                for _ in range(options.requests):
                    wire.sendall(request)
                    answer = wire.recv(4096)
                    if not answer.startswith(b"HTTP/1.1 401"):
                        raise SystemExit(f"{kind}: {answer[:80]!r}")
                spent = (processor_ms(bridge.pid) - before) / options.requests
                print(f"{kind:28} {len(body):8} bytes {spent:6.2f} ms")
        finally:
            bridge.kill()


if __name__ == "__main__":
    main()
