#!/usr/bin/env python3
"""What valid webhooks get while strangers do their worst: prints one JSON object.

  tests/bench/siege.py --build build/release [--seconds 600] [--quiet-seconds 20]

One bridge with TLS, two sources and a quarantine, on one core; everything else on another. First quiet, then
all of these together: 256 connections that announce a body and send none; recorded TLS hellos, one of a
finite field group; forged webhooks on four connections as fast as they are answered; HTTP/2 streams that
are opened and reset on the gRPC port as fast as they are taken. Meanwhile each source gets 25 valid webhooks
a second. Only the standard library and openssl; only loopback."""

import argparse
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time

SECRETS = {"acme": "siege-acme-0123456789", "beta": "siege-beta-0123456789"}
SOURCE = """
  - name: {name}
    recipe:
      algorithms: [{{kind: hmac, hash: sha256}}]
      signature: {{headers: [X-Signature], syntax: prefix, prefix: "sha256="}}
      message: [{{body: true}}]
      event: {{id: [{{json_pointer: /id}}], type: [{{json_pointer: /type}}]}}
    keys: [{{secret: "env:SIEGE_{upper}"}}]"""
CONFIG = """
ingress: {{listen: "127.0.0.1:0", tls: {{certificate_chain_file: {work}/cert.pem, private_key_file: {work}/key.pem}}}}
grpc: {{listen: "127.0.0.1:0"}}
journal: {{directory: {work}/data, max_bytes: 20GiB}}
quarantine: {{directory: {work}/quarantine}}
sources:"""


def start_bridge(build, work):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-subj", "/CN=localhost", "-keyout", work / "key.pem", "-out", work / "cert.pem"],
                   check=True, capture_output=True)
    config = CONFIG.format(work=work) + "".join(SOURCE.format(name=n, upper=n.upper()) for n in SECRETS) + "\n"
    (work / "siege.yaml").write_text(config)
    environment = dict(os.environ, **{f"SIEGE_{n.upper()}": s for n, s in SECRETS.items()})
    log = open(work / "log", "wb")
    process = subprocess.Popen(["taskset", "-c", "0", build / "server" / "hookbridge", "serve", "--config",
                                work / "siege.yaml"], stderr=log, env=environment)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for line in (work / "log").read_text().splitlines():
            if '"listening"' in line:
                said = json.loads(line)
                return process, int(said["http"].rsplit(":", 1)[1]), int(said["grpc"].rsplit(":", 1)[1])
        time.sleep(0.05)
    raise SystemExit("the bridge did not start: " + (work / "log").read_text()[-2000:])


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(port):
    return unverified().wrap_socket(socket.create_connection(("127.0.0.1", port), 20))


def webhook(source, event_id, secret):
    body = json.dumps({"id": event_id, "type": "invoice.paid", "note": "x" * 1500}).encode()
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return body, {"X-Signature": "sha256=" + mac, "Content-Type": "application/json"}


def send_valid(port, source, seconds, run, results):
    """25 a second on one connection, made again when it ends; (status, ms) of each."""
    outcome, connection, due = [], None, time.monotonic()
    for i in range(int(seconds * 25)):
        due += 0.04
        time.sleep(max(0.0, due - time.monotonic()))
        body, headers = webhook(source, f"{run}-{source}-{i}", SECRETS[source])
        begun, status = time.monotonic(), 0
        try:
            if connection is None:
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=unverified())
            connection.request("POST", f"/hooks/{source}", body, headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            connection = None
        outcome.append((status, (time.monotonic() - begun) * 1000))
    results.put((source, outcome))


def hold_heads(port, stop, count):
    """Connections that announce the largest body and send nothing of it."""
    held = []
    while not stop.is_set():
        held = [s for s in held if s[1] > time.monotonic()]
        while len(held) < count and not stop.is_set():
            try:
                wire = connect(port)
                source = "acme" if len(held) % 2 else "beta"
                wire.sendall(f"POST /hooks/{source} HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n".encode())
                held.append((wire, time.monotonic() + 6))
            except OSError:
                time.sleep(0.02)
        stop.wait(0.1)


def record_hello(groups):
    listener = socket.create_server(("127.0.0.1", 0))
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{listener.getsockname()[1]}", "-tls1_3",
                               "-groups", groups], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    wire, _ = listener.accept()
    hello = wire.recv(65536)
    while len(hello) < 5 + int.from_bytes(hello[3:5], "big"):
        hello += wire.recv(65536)
    wire.close()
    client.kill()
    client.wait()
    return hello


def replay_hellos(port, stop, hellos, per_second):
    open_ones, i = [], 0
    while not stop.is_set():
        try:
            wire = socket.create_connection(("127.0.0.1", port), 5)
            wire.sendall(hellos[i % len(hellos)])
            open_ones.append(wire)
        except OSError:
            pass
        i += 1
        if len(open_ones) > 100:
            open_ones.pop(0).close()
        stop.wait(1 / per_second)


def send_forged(port, stop, counts):
    body, _ = webhook("acme", "forged", "not the secret")
    head = (f"POST /hooks/acme HTTP/1.1\r\nHost: h\r\nX-Signature: sha256={'0' * 64}\r\nContent-Length: {len(body)}"
            "\r\n\r\n").encode()
    wire = None
    while not stop.is_set():
        try:
            wire = wire or connect(port)
            wire.sendall(head + body)
            if not wire.recv(4096):
                wire = None
            with counts.get_lock():
                counts.value += 1
        except OSError:
            wire = None
            time.sleep(0.05)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def reset_streams(port, stop, counts):
    """RFC 9113: HEADERS and RST_STREAM, one stream after the other, on connections made again when they are cut."""
    block = b"\x83\x86" + literal(b":path", b"/hookbridge.admin.v1.AdminService/ListSources") + \
        literal(b":authority", b"h") + literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
    while not stop.is_set():
        try:
            wire = socket.create_connection(("127.0.0.1", port), 5)
            wire.settimeout(5)
            wire.sendall(preface)
            for begin in range(1, 2_000_000, 2_000):
                if stop.is_set():
                    break
                wire.sendall(b"".join(frame(1, 4, s, block) + frame(3, 0, s, b"\0\0\0\x08")
                                      for s in range(begin, begin + 2_000, 2)))
                with counts.get_lock():
                    counts.value += 1_000
            wire.close()
        except OSError:
            time.sleep(0.05)


def in_background(function, *arguments):
    def run():
        os.nice(10)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        function(*arguments)
    process = multiprocessing.Process(target=run, daemon=True)
    process.start()
    return process


def measure(port, pid, seconds, run):
    results = multiprocessing.Queue()
    senders = [multiprocessing.Process(target=send_valid, args=(port, s, seconds, run, results)) for s in SECRETS]
    for sender in senders:
        sender.start()
    rss, outcomes = 0, []
    while len(outcomes) < len(senders):
        try:
            outcomes.append(results.get(timeout=0.2))
        except Exception:  # nothing yet
            pass
        rss = max(rss, int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 // 1_000_000)
    for sender in senders:
        sender.join()
    summary = {"rss_mb_max": rss}
    for source, outcome in sorted(outcomes):
        times = sorted(ms for _, ms in outcome)
        good = sum(200 <= status < 300 for status, _ in outcome)
        summary[source] = {"sent": len(outcome), "answered_2xx": round(good / len(outcome), 5),
                           "p50_ms": round(times[len(times) // 2], 2), "p99_ms": round(times[len(times) * 99 // 100], 2)}
    return summary


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--quiet-seconds", type=float, default=20)
    options = parser.parse_args()
    os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})
    with tempfile.TemporaryDirectory(prefix="hookbridge-siege-") as directory:
        bridge, port, grpc_port = start_bridge(options.build.resolve(), pathlib.Path(directory))
        stop, forged, resets = multiprocessing.Event(), multiprocessing.Value("q", 0), multiprocessing.Value("q", 0)
        try:
            quiet = measure(port, bridge.pid, options.quiet_seconds, "quiet")
            hellos = [record_hello("ffdhe8192"), record_hello("X25519")]
            attackers = [in_background(hold_heads, port, stop, 256),
                         in_background(replay_hellos, port, stop, hellos, 120),
                         in_background(reset_streams, grpc_port, stop, resets)]
            attackers += [in_background(send_forged, port, stop, forged) for _ in range(4)]
            siege = measure(port, bridge.pid, options.seconds, "siege")
            stop.set()
            for attacker in attackers:
                attacker.join(timeout=10)
            begun = time.monotonic()
            bridge.send_signal(signal.SIGTERM)
            ended = {"exit_code": bridge.wait(timeout=60), "exit_seconds": round(time.monotonic() - begun, 2)}
        finally:
            stop.set()
            if bridge.poll() is None:
                bridge.kill()
    worst = max(siege[s]["p99_ms"] / quiet[s]["p99_ms"] for s in SECRETS)
    print(json.dumps({"quiet": quiet, "siege": siege, "p99_ratio": round(worst, 2), "forged": forged.value,
                      "resets": resets.value, **ended}, indent=1))


if __name__ == "__main__":
    main()
