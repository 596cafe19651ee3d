#!/usr/bin/env python3
"""A service that handles webhooks from hookbridge. Copy it, and put your work into handle().

    ./generate.sh && ./subscriber.py --bridge 127.0.0.1:9090 --state ./state

Kill it at any moment and start it again: every event is handled. The bridge delivers at least once;
what comes twice is recognised by (source, dedup_key) and left out.
"""

import argparse
import hashlib
import hmac
import json
import os
import pathlib
import random
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "gen"))
import grpc  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402
from hookbridge.v1 import delivery_service_pb2 as delivery  # noqa: E402
from hookbridge.v1 import delivery_service_pb2_grpc as rpc  # noqa: E402
from hookbridge.v1 import event_pb2  # noqa: E402

# Another attempt can mend these; any other status wants a person, see explain().
TRANSIENT = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN,
             grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED,
             grpc.StatusCode.RESOURCE_EXHAUSTED}


def say(*words):
    print(*words, flush=True)


def handle(event):
    """Your work. If it raises, the process ends and the event comes again at the next start."""
    data = MessageToDict(event.json) if event.WhichOneof("data") == "json" else None
    if not isinstance(data, dict):
        # Authentic, but no JSON object: the exact bytes are in event.raw (view FULL or RAW).
        note = event.conversion_error or f"no JSON object but {event.WhichOneof('data')}"
    elif event.source == "po":
        payment = data.get("payment_details", {})
        order = data.get("transaction_details", {}).get("merchant_txn_ref")
        note = f"{payment.get('amount')} {payment.get('currency')} for {order}"
    elif event.source == "stripe":
        # JSON numbers are doubles here. One that a double cannot hold is a string with the digits
        # as sent, and event.inexact_numbers names it.
        intent = data.get("data", {}).get("object", {})
        note = f"{intent.get('amount', 0) / 100:.2f} {str(intent.get('currency')).upper()}"
    else:
        note = f"{data.get('action', '')} {data.get('repository', {}).get('full_name', '')}"
    say("handled", event.source, event.type, event.dedup_key, "|", note.strip(),
        "(test)" if event.test_mode else "")


def check_stripe(event, secret):
    """Optional: the provider's signature once more, from the bytes as the provider sent them."""
    header = next((h.value for h in event.raw.headers if h.name.lower() == "stripe-signature"), b"")
    fields = [part.split(b"=", 1) for part in header.split(b",") if b"=" in part]
    stamp = next((value for name, value in fields if name == b"t"), b"")
    mac = hmac.new(secret.encode(), stamp + b"." + event.raw.body, hashlib.sha256).hexdigest()
    # The time was checked by the bridge when the webhook came; by now it may be long ago.
    if not any(hmac.compare_digest(mac.encode(), value) for name, value in fields if name == b"v1"):
        raise ValueError(f"{event.id}: the stored bytes do not carry Stripe's signature")


class State:
    """What survives this process: a cursor, and which events were handled.

    With a database both belong there: the row of (source, dedup_key), under a unique index, and the
    cursor, in the transaction of your work. Then nothing is ever done twice, not even the one event
    that a crash cut between handle() and remember()."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.cursor_file = self.directory / "cursor"
        ledger = self.directory / "handled"
        self.handled = set(ledger.read_text().split("\n")) if ledger.exists() else set()
        self.ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def cursor(self):
        return self.cursor_file.read_text().strip() if self.cursor_file.exists() else ""

    def knows(self, event):
        return self.line(event) in self.handled

    def remember(self, event):
        self.handled.add(self.line(event))
        # The line end comes first: after half a line that a power cut left, the next is whole.
        os.write(self.ledger, f"\n{self.line(event)}".encode())

    def save_cursor(self, cursor):
        """After the work, never before it. The file is the old or the new one, at any moment."""
        os.fsync(self.ledger)
        temporary = self.directory / "cursor.new"
        with open(temporary, "w", encoding="ascii") as file:
            file.write(cursor)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.cursor_file)
        folder = os.open(self.directory, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    @staticmethod
    def line(event):
        return json.dumps([event.source, event.dedup_key])


class Subscriber:
    def __init__(self, options):
        self.options = options
        self.state = State(options.state)
        self.stopping = threading.Event()
        self.call = None
        self.heard = float("inf")  # when the last message came; infinite while we are at work
        self.wait_limit = 0.2
        self.pause = None  # what the bridge asked for before the next attempt
        self.behind = True

    def stop(self, *_):
        """SIGTERM, SIGINT: the event at hand is finished and its cursor kept."""
        self.stopping.set()
        if self.call is not None:
            self.call.cancel()

    def run(self):
        while not self.stopping.is_set():
            try:
                # A connection of its own for each stream: one that fell silent is not used again.
                with grpc.insecure_channel(self.options.bridge, options=[
                        ("grpc.use_local_subchannel_pool", 1),
                        ("grpc.max_receive_message_length", 32 << 20)]) as channel:
                    self.read(rpc.DeliveryServiceStub(channel))
            except grpc.RpcError as error:
                if self.stopping.is_set():
                    break
                if error.code() not in TRANSIENT:
                    say(f"ended: {error.code().name} {error.details()}")
                    return explain(error.code())
                self.back_off(error)
        say("stopped; the cursor is kept")
        return 0

    def back_off(self, error):
        # Full jitter: the subscribers of one bridge spread out.
        wait = random.uniform(0, self.wait_limit) if self.pause is None else self.pause
        self.wait_limit = min(self.wait_limit * 2, 10)
        self.pause = None
        say(f"again in {wait:.1f} s: {error.code().name} {error.details()}")
        self.stopping.wait(wait)

    def read(self, stub):
        """One stream, until it ends."""
        read = delivery.CursorRead()
        if self.options.source:
            read.filter.any_of.add(sources=self.options.source)
        cursor = self.state.cursor()
        if cursor:
            read.after_cursor = cursor
        else:
            read.preset = delivery.START_PRESET_EARLIEST
        request = delivery.SubscribeRequest(
            cursor_read=read, client_id=self.options.client_id,
            payload_view=event_pb2.PAYLOAD_VIEW_FULL if self.options.stripe_secret
            else event_pb2.PAYLOAD_VIEW_DATA)
        request.heartbeat_interval.FromSeconds(self.options.heartbeat)
        self.call = stub.Subscribe(request)
        self.heard = time.monotonic()
        threading.Thread(target=self.watch, args=(self.call,), daemon=True).start()
        if self.stopping.is_set():  # the signal came before there was a call
            self.call.cancel()
        for response in self.call:
            self.heard = float("inf")
            self.take(response)
            if self.stopping.is_set():
                self.call.cancel()
            self.heard = time.monotonic()

    def watch(self, call):
        """A connection can die without a word. Three missing heartbeats mean that it did."""
        while call.is_active():
            if time.monotonic() - self.heard > 3 * self.options.heartbeat:
                call.cancel()
            self.stopping.wait(0.2)
            if self.stopping.is_set():
                return

    def take(self, response):
        kind = response.WhichOneof("message")
        if kind == "batch":
            for one in response.batch.deliveries:
                self.take_event(one)
                if self.stopping.is_set():
                    break
            self.state.save_cursor(one.cursor)  # once a batch; a crash repeats at most one batch
        elif kind == "started":
            self.wait_limit = 0.2
            self.behind = True
            say("connected to", self.options.bridge)
        elif kind == "caught_up":
            self.state.save_cursor(response.caught_up.cursor)
            if self.behind:  # it comes after every burst; once a connection is enough to read
                say("caught up: waiting for webhooks")
            self.behind = False
        elif kind == "heartbeat":
            # The cursor moves past events that the filter left out, too.
            self.state.save_cursor(response.heartbeat.cursor)
        elif kind == "ending":
            self.pause = response.ending.reconnect_delay.ToTimedelta().total_seconds()

    def take_event(self, one):
        event = one.event
        if self.state.knows(event):
            say("repeat", event.source, event.type, event.dedup_key, "| left out")
            return
        if one.payload_omitted:
            say("large", event.id, "| AdminService.ReadEventBody has its body")
        elif self.options.stripe_secret and event.source == "stripe":
            check_stripe(event, self.options.stripe_secret)
        handle(event)
        self.state.remember(event)


def explain(code):
    if code == grpc.StatusCode.OUT_OF_RANGE:
        say("The bridge no longer keeps what follows our cursor: events are missing. Delete the"
            " file `cursor` to go on from the oldest event that is kept.")
    elif code == grpc.StatusCode.FAILED_PRECONDITION:
        say("This is another journal than the one of our cursor. Delete the file `cursor` to read"
            " it from its beginning.")
    elif code == grpc.StatusCode.ABORTED:
        say("Another process with our client id took over.")
    return 1


def main():
    parser = argparse.ArgumentParser(description="Handles webhooks from hookbridge.")
    parser.add_argument("--bridge", default="127.0.0.1:9090", metavar="HOST:PORT")
    parser.add_argument("--state", default="./state", metavar="DIR", help="cursor and handled keys")
    parser.add_argument("--source", action="append", default=[], help="only this one; repeatable")
    parser.add_argument("--client-id", default=f"python-example-{socket.gethostname()}",
                        help="its own for each replica: a newer process with it takes over")
    parser.add_argument("--heartbeat", type=int, default=15, metavar="SECONDS")
    parser.add_argument("--stripe-secret", default=os.environ.get("STRIPE_SECRET", ""),
                        help="check Stripe's signature again; better given in STRIPE_SECRET")
    subscriber = Subscriber(parser.parse_args())
    signal.signal(signal.SIGTERM, subscriber.stop)
    signal.signal(signal.SIGINT, subscriber.stop)
    return subscriber.run()


if __name__ == "__main__":
    sys.exit(main())
