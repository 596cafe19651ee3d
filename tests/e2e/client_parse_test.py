"""Every event that is streamed parses in Protobuf's Python client at its default limits (P4): the
corpus of the JSON fuzzer, at the largest configurable depth, with and without a parsed form."""

import json
import subprocess
import tempfile
import unittest

import grpc

from harness import SOURCE, BridgeTest

CONFIG = """
ingress: {{listen: "127.0.0.1:{http}"}}
grpc: {{listen: "127.0.0.1:{grpc}"}}
journal: {{directory: "{data}"}}
convert: {{json_depth_max: 30}}
sources:
  - name: any
    recipe: {{algorithms: [{{kind: none}}]}}
    i_understand_anyone_can_post: true
"""


def generated_messages():
    """hookbridge.v1 for Python, made by the distribution's protoc."""
    import importlib
    import sys
    folder = tempfile.mkdtemp(prefix="hookbridge-py-")
    protos = ["hookbridge/v1/event.proto", "hookbridge/v1/delivery_service.proto"]
    subprocess.run(["protoc", f"--python_out={folder}", f"-I{SOURCE / 'proto'}", "-I/usr/include", *protos],
                   check=True, cwd=SOURCE / "proto")
    sys.path.insert(0, folder)
    return importlib.import_module("hookbridge.v1.delivery_service_pb2")


def plain(value):
    """google.protobuf.Value as Python's own."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {k: plain(v) for k, v in value.struct_value.fields.items()}
    if kind == "list_value":
        return [plain(v) for v in value.list_value.values]
    return None if kind == "null_value" else getattr(value, kind)


def same(got, expected):
    """Equal, where a number that a double cannot hold is its digits."""
    if isinstance(expected, dict):
        return got.keys() == expected.keys() and all(same(got[k], v) for k, v in expected.items())
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(same, got, expected))
    if isinstance(expected, str) and expected.startswith("number:"):
        lexeme = expected[7:]
        return got == lexeme if isinstance(got, str) else got == float(lexeme)
    return got == expected


class ClientParseTest(BridgeTest):
    config = CONFIG

    def test_every_event_of_the_corpus(self):
        pb = generated_messages()
        bodies = []
        for path in sorted((SOURCE / "tests/fuzz/json/corpus").iterdir()):
            body = path.read_bytes()
            status, _ = self.bridge.post("/hooks/any", body, {"Content-Type": "application/json"})
            self.assertEqual(status, 200, path)
            bodies.append((path.name, body))
        with grpc.insecure_channel(self.bridge.grpc) as channel:
            subscribe = channel.unary_stream(
                "/hookbridge.v1.DeliveryService/Subscribe",
                request_serializer=pb.SubscribeRequest.SerializeToString,
                response_deserializer=pb.SubscribeResponse.FromString)
            request = pb.SubscribeRequest(payload_view=3)
            request.cursor_read.preset = 2
            request.cursor_read.stop_at_end = True
            events = [d.event for m in subscribe(request, timeout=60) for d in m.batch.deliveries]
        by_body = {event.raw.body: event for event in events}
        self.assertEqual(len(by_body), len({body for _, body in bodies}))
        parsed = 0
        for name, body in bodies:
            event = by_body[body]
            self.assertEqual(event.raw.body, body)
            if not name.startswith("y_"):
                self.assertTrue(event.conversion_error or not body, name)
                continue
            parsed += 1
            self.assertEqual(event.conversion_error, "", name)
            expected = json.loads(body, parse_float=lambda t: "number:" + t, parse_int=lambda t: "number:" + t)
            self.assertTrue(same(plain(event.json), expected), name)
            # And once more through the bytes that a service would keep.
            self.assertEqual(type(event).FromString(event.SerializeToString()), event, name)
        self.assertGreaterEqual(parsed, 35)


if __name__ == "__main__":
    unittest.main()
