"""The subscribers of client/examples, built as their README says, against a real bridge: 10 000 events
while connections are cut and fall silent, the bridge is killed and the subscriber is killed."""

import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import BUILD, SOURCE, STRIPE_SECRET, BridgeTest, environment, stripe_event, stripe_headers

EVENTS = 10_000
SENDERS = 8
EXAMPLES = SOURCE / "client" / "examples"
TOOLS = SOURCE / ".cache" / "tools" / "bin"


class Wire:
    """A TCP proxy: what lies between a service and the bridge, and fails."""

    def __init__(self, port):
        self.port = port
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        self.pairs = []
        self.silent = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            try:
                bridge = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            pair = (client, bridge)
            self.pairs.append(pair)
            for source, target in (pair, pair[::-1]):
                threading.Thread(target=self.pump, args=(pair, source, target), daemon=True).start()

    def pump(self, pair, source, target):
        try:
            while data := source.recv(1 << 16):
                if pair not in self.silent:
                    target.sendall(data)
        except OSError:
            pass
        if pair not in self.silent:
            self.reset(pair)

    @staticmethod
    def reset(pair):
        for end in pair:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def cut(self):
        """Every connection is reset, now."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self.reset(pair)

    def fall_silent(self):
        """Connections stay open and carry nothing any more; new ones work."""
        self.silent.update(self.pairs)
        self.pairs = []

    def close(self):
        self.server.close()
        self.cut()
        for pair in self.silent:
            self.reset(pair)


class Python:
    """`./generate.sh && ./subscriber.py`"""

    @staticmethod
    def build(folder):
        subprocess.run([EXAMPLES / "python" / "generate.sh", SOURCE / "proto", folder / "gen"],
                       env=dict(os.environ, PYTHON="/usr/bin/python3"), check=True)
        shutil.copy(EXAMPLES / "python" / "subscriber.py", folder)

    @staticmethod
    def command(folder, bridge, state):
        return ["/usr/bin/python3", "-B", folder / "subscriber.py", "--bridge", bridge, "--state", state,
                "--heartbeat", "1"]


class Go:
    """`./generate.sh && go build`"""

    @staticmethod
    def build(folder):
        shutil.copytree(EXAMPLES / "go", folder, dirs_exist_ok=True)
        path = os.pathsep.join([str(TOOLS), os.environ["PATH"]])
        subprocess.run([folder / "generate.sh", SOURCE / "proto", folder], check=True,
                       env=dict(os.environ, PATH=path))
        for step in (["vet", "./..."], ["build", "-o", "subscriber", "."]):
            subprocess.run(["go", *step], cwd=folder, check=True, env=dict(os.environ, GOFLAGS="-buildvcs=false"))

    @staticmethod
    def command(folder, bridge, state):
        return [folder / "subscriber", "-bridge", bridge, "-state", state, "-heartbeat", "1s"]


class Subscriber:
    """A subscriber process; what it printed over all its lives is in one file."""

    def __init__(self, language, folder, bridge, directory):
        self.command = language.command(folder, bridge, directory / "state")
        self.output = directory / "output"
        self.process = None
        self.output.touch()

    def start(self, **variables):
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=output,
                                            env=dict(environment(), **variables))

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def text(self):
        return self.output.read_text()

    def keys(self, word):
        """The dedup keys of the whole lines that begin with `word`: a kill can leave half a line."""
        whole = rf"^{word} stripe invoice\.paid (\S+) \| (?:.*\(test\)|left out)\n"
        return re.findall(whole, self.text(), re.MULTILINE)


class SubscriberTests:
    """The same for each language."""

    language = None

    @classmethod
    def setUpClass(cls):
        cls.folder = BUILD / "examples" / cls.language.__name__.lower()
        cls.folder.mkdir(parents=True, exist_ok=True)
        cls.language.build(cls.folder)

    def setUp(self):
        super().setUp()
        self.wire = Wire(self.bridge.grpc_port)
        self.addCleanup(self.wire.close)
        self.subscriber = self.make_subscriber("one")

    def make_subscriber(self, name):
        directory = pathlib.Path(self.directory.name) / name
        directory.mkdir()
        subscriber = Subscriber(self.language, self.folder, self.wire.address, directory)
        self.addCleanup(lambda: subscriber.process and subscriber.kill9())
        return subscriber

    def await_true(self, condition, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}:\n{self.subscriber.text()[-3000:]}")
            time.sleep(0.02)

    def await_text(self, subscriber, text):
        self.await_true(lambda: text in subscriber.text(), f"no `{text}`")

    def send(self, keys):
        """Sends each until it is acknowledged, as a provider does."""
        connection = None
        for key in keys:
            body = stripe_event(key)
            while True:
                try:
                    if connection is None:
                        connection = self.bridge.connect()
                    connection.request("POST", "/hooks/stripe", body, stripe_headers(body))
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status == 200:
                        break
                except (OSError, http.client.HTTPException):
                    if connection is not None:
                        connection.close()
                    connection = None
                    time.sleep(0.01)
        connection.close()

    def restart_bridge(self):
        self.bridge.kill9()
        self.bridge.start()

    def restart_subscriber(self):
        self.subscriber.kill9()
        # The kernel may end a write at a page boundary when the writer is killed: here it always does.
        with open(self.subscriber.output, "a", encoding="ascii") as output:
            output.write("handled stripe invoice.paid evt_")
        self.subscriber.start()

    # Nothing is missing, and nothing is handled twice but what docs allow: the one event that a kill -9
    # of the subscriber cut between its work and its note of it.
    def test_faults(self):
        keys = [f"evt_{number}" for number in range(EVENTS)]
        faults = [(2_000, self.wire.cut), (3_500, self.restart_subscriber), (5_000, self.wire.fall_silent),
                  (6_500, self.restart_bridge)]
        self.subscriber.start()
        senders = []
        sent = 0
        for share, fault in [*faults, (EVENTS, None)]:
            # Up to the next fault, which comes while its last events are on their way.
            part = keys[sent:share]
            sent = share
            batch = [threading.Thread(target=self.send, args=(part[i::SENDERS],)) for i in range(SENDERS)]
            for sender in batch:
                sender.start()
            senders += batch
            goal = share - len(part) // 3
            self.await_true(lambda: len(self.subscriber.keys("handled")) >= goal, f"not {goal} handled")
            if fault is not None:
                fault()
        for sender in senders:
            sender.join()
        self.await_true(lambda: len(set(self.subscriber.keys("handled"))) >= EVENTS, "some are missing")
        handled, repeats = self.subscriber.keys("handled"), self.subscriber.keys("repeat")
        print(f"{self.language.__name__}: sent {EVENTS}, handled {len(handled)}, left out as repeats "
              f"{len(repeats)}, reconnected {self.subscriber.text().count('connected to') - 1} times")
        self.assertEqual(set(handled), set(keys))
        self.assertLessEqual(len(handled), EVENTS + 1)
        self.assertLessEqual(set(repeats), set(handled))
        self.assertGreaterEqual(self.subscriber.text().count("connected to"), 1 + len(faults))

        # A stop keeps the cursor: the next start has nothing to do again.
        self.assertEqual(self.subscriber.terminate(), 0)
        self.assertIn("stopped; the cursor is kept", self.subscriber.text())
        before = self.subscriber.text().count("caught up")
        self.subscriber.start()
        self.await_true(lambda: self.subscriber.text().count("caught up") > before, "not caught up again")
        self.assertEqual(len(self.subscriber.keys("handled")), len(handled))
        self.assertEqual(len(self.subscriber.keys("repeat")), len(repeats))

    # What another attempt cannot mend ends the process with a sentence for a person, and keeps its place.
    def test_a_signature_that_does_not_match_ends_it(self):
        self.send(["evt_1"])
        self.subscriber.start(STRIPE_SECRET="whsec_another")
        self.assertEqual(self.subscriber.process.wait(timeout=60), 1)
        self.assertIn("the stored bytes do not carry Stripe's signature", self.subscriber.text())
        self.subscriber.start(STRIPE_SECRET=STRIPE_SECRET)
        self.await_text(self.subscriber, "handled stripe invoice.paid evt_1")

    def test_the_cursor_of_another_journal_ends_it(self):
        self.send(["evt_1"])
        self.subscriber.start()
        self.await_text(self.subscriber, "caught up")
        self.assertEqual(self.subscriber.terminate(), 0)
        self.bridge.terminate()
        shutil.rmtree(self.bridge.directory / "data")
        self.bridge.start()
        self.subscriber.start()
        self.assertEqual(self.subscriber.process.wait(timeout=60), 1)
        self.assertIn("This is another journal than the one of our cursor", self.subscriber.text())

    # Two processes that call themselves the same do not go on side by side.
    def test_a_newer_process_takes_over(self):
        newer = self.make_subscriber("two")
        self.subscriber.start()
        self.await_text(self.subscriber, "caught up")
        newer.start()
        self.assertEqual(self.subscriber.process.wait(timeout=60), 1)
        self.assertIn("Another process with our client id took over", self.subscriber.text())
        self.send(["evt_1"])
        self.await_true(lambda: newer.keys("handled") == ["evt_1"], "not handled by the newer one")

    # SIGTERM before there ever was a connection.
    def test_a_stop_while_the_bridge_is_away(self):
        self.bridge.kill9()
        self.subscriber.start()
        self.await_text(self.subscriber, "again in")
        self.assertEqual(self.subscriber.terminate(), 0)


class PythonTest(SubscriberTests, BridgeTest):
    language = Python


class GoTest(SubscriberTests, BridgeTest):
    language = Go


if __name__ == "__main__":
    unittest.main()
