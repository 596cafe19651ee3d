"""kill -9 in a loop under concurrent load: what was acknowledged is there, once, in order."""

import http.client
import json
import os
import random
import threading
import time
import unittest

from harness import BridgeTest, stripe_event, stripe_headers

SENDERS = 8


class Kill9Test(BridgeTest):
    def send(self, sender, stop, acknowledged, unknown):
        """Posts until told to stop; remembers ids by what is known of them."""
        connection, count = None, 0
        while not stop.is_set():
            key = f"evt_{self.round}_{sender}_{count}"
            count += 1
            body = stripe_event(key)
            try:
                if connection is None:
                    connection = self.bridge.connect()
                connection.request("POST", "/hooks/stripe", body, stripe_headers(body))
                answer = connection.getresponse()
                text = answer.read()
                if answer.status == 200:
                    acknowledged.append((key, json.loads(text)["id"]))
                else:
                    unknown.append(key)
            except (OSError, http.client.HTTPException, ValueError):
                unknown.append(key)
                if connection is not None:
                    connection.close()
                connection = None
                stop.wait(0.005)
        if connection is not None:
            connection.close()

    def test_nothing_acknowledged_is_lost(self):
        rounds = int(os.environ.get("HOOKBRIDGE_KILL_ROUNDS", "30"))
        seed = int(os.environ.get("HOOKBRIDGE_SEED", str(time.time_ns() % 1_000_000)))
        print(f"{rounds} rounds, seed {seed}")
        chance = random.Random(seed)
        acknowledged, unknown = [], []
        for self.round in range(rounds):
            stop = threading.Event()
            senders = [threading.Thread(target=self.send, args=(i, stop, acknowledged, unknown))
                       for i in range(SENDERS)]
            before = len(acknowledged)
            for sender in senders:
                sender.start()
            deadline = time.monotonic() + 20
            target = before + chance.randint(1, 300)
            while len(acknowledged) < target and time.monotonic() < deadline:
                time.sleep(0.001)
            self.bridge.kill9()
            stop.set()
            for sender in senders:
                sender.join()
            self.assertGreater(len(acknowledged), before, "no webhook was acknowledged in this round")
            self.bridge.start()

        # A retry of what is unknown is stored once, whether or not it was there.
        for key in unknown:
            self.assertEqual(self.bridge.post_stripe(key)[0], 200)

        deliveries = self.bridge.read_all()
        stored = {}
        for delivery in deliveries:
            event = delivery["event"]
            self.assertNotIn(event["dedup_key"], stored, "stored twice")
            stored[event["dedup_key"]] = event["id"]
        lost = [key for key, event_id in acknowledged if stored.get(key) != event_id]
        sequences = [int(d["event"]["sequence"]) for d in deliveries]
        ids = [d["event"]["id"] for d in deliveries]
        print(f"acknowledged {len(acknowledged)}, unknown and sent again {len(unknown)}, "
              f"stored {len(stored)}, lost {len(lost)}")
        self.assertEqual(lost, [])
        self.assertEqual(sequences, sorted(sequences))
        self.assertEqual(ids, sorted(ids))
        self.assertEqual(set(stored), {key for key, _ in acknowledged} | set(unknown))


if __name__ == "__main__":
    unittest.main()
