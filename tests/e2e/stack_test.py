"""The stack of docker-compose.yml, running: run by scripts/stack.sh, which builds its images."""

import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from harness import DELIVERY, GRPCURL, SOURCE, read_messages, stripe_event, stripe_headers

COMPOSE = shlex.split(os.environ["HOOKBRIDGE_COMPOSE"])
README = (SOURCE / "README.md").read_text()
TUTORIAL = (SOURCE / "docs" / "tutorial.md").read_text()
URL = "http://127.0.0.1:8080"
SUBSCRIBERS = ("subscriber-python", "subscriber-go")


def run(*command, check=True, **options):
    result = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=300, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{command}: {result.stdout}{result.stderr}")
    return result


def compose(*words, check=True):
    return run(*COMPOSE, *words, check=check)


def logs(service):
    return compose("logs", "--no-color", service).stdout


def post(path, body, headers):
    request = urllib.request.Request(URL + path, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def post_stripe(key, secret="whsec_demo"):
    body = stripe_event(key)
    return post("/hooks/stripe", body, stripe_headers(body, secret))


def await_true(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what)
        time.sleep(0.1)


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run_line(line):
    """One command of a document: with the compose under test, and without a terminal."""
    words = shlex.split(line.replace("docker compose exec", "docker compose exec -T"), comments=True)
    run(*(COMPOSE + words[2:] if words[:2] == ["docker", "compose"] else words))


class StackTest(unittest.TestCase):
    def setUp(self):
        compose("down", "--volumes", "--remove-orphans")
        self.addCleanup(compose, "down", "--volumes")
        self.started = time.monotonic()
        compose("up", "-d", "--no-build")
        await_true(lambda: all("handled" in logs(s) for s in SUBSCRIBERS), "no first event in both subscribers")
        print(f"from `up` to the first event in both subscribers: {time.monotonic() - self.started:.1f} s", flush=True)

    def await_handled(self, keys):
        for service in SUBSCRIBERS:
            await_true(lambda: all(f"handled stripe invoice.paid {key} " in logs(service) for key in keys),
                       f"{service} did not handle all of {keys}")

    # Each container is killed and started again; what was answered 200 is there, once, in each service.
    def test_nothing_is_lost_when_containers_are_killed(self):
        keys = []

        def send(name):
            for number in range(5):
                keys.append(f"evt_{name}_{number}")
                self.assertEqual(post_stripe(keys[-1]), 200)

        send("first")
        self.assertEqual(post_stripe("evt_forged", "whsec_wrong"), 401)
        for victim in ("bridge", *SUBSCRIBERS, "sender"):
            compose("kill", "-s", "SIGKILL", victim)
            if victim != "bridge":
                send("without-" + victim)
            compose("start", victim)
            await_true(lambda: self.is_ready(), "the bridge is not ready again")
            send("after-" + victim)
        self.await_handled(keys)
        stored = self.read_typed()
        mine = [event["dedup_key"] for event in stored if event["type"] == "invoice.paid"]
        self.assertEqual(mine, keys)
        for service in SUBSCRIBERS:
            text = logs(service)
            self.assertNotIn("evt_forged", text)
            for key in keys:
                self.assertEqual(text.count(f"handled stripe invoice.paid {key} "), 1, f"{service} {key}")

    @staticmethod
    def is_ready():
        try:
            return urllib.request.urlopen(URL + "/readyz", timeout=5).status == 200
        except OSError:
            return False

    @staticmethod
    def read_typed():
        request = {"cursor_read": {"preset": "START_PRESET_EARLIEST", "stop_at_end": True}}
        text = run(GRPCURL, "-plaintext", "-d", json.dumps(request), "127.0.0.1:9090", f"{DELIVERY}/Subscribe").stdout
        return [one["event"] for message in read_messages(text) for one in message.get("batch", {}).get("deliveries", [])]

    # The log is a tour, and each command that it, README and the tutorial give works.
    def test_the_tour_the_readme_and_the_tutorial(self):
        await_true(lambda: "From here on" in logs("sender"), "the tour does not end")
        tour = re.sub(r"^sender[^|]*\| ?", "", logs("sender"), flags=re.MULTILINE)
        for said in ("duplicate: the event that was there", "signature_mismatch", "timestamp_stale",
                     "credential_mismatch"):
            self.assertIn(said, tour)
        paste = [line.strip() for line in tour.split("=== Your turn")[1].splitlines()
                 if line.startswith("  curl") or line.startswith("  docker compose")]
        self.assertEqual(len(paste), 7, paste)
        for line in paste:
            run_line(line)
        await_true(self.is_ready, "the bridge is not ready again")
        for service in SUBSCRIBERS:
            await_true(lambda: "42.00 EUR for order-by-hand" in logs(service), f"{service} has no payment")
        self.follow_tutorial()
        start, *others = README.split("<!-- test: stack -->\n```sh\n")[1].split("```")[0].splitlines()
        self.assertTrue(start.startswith("docker compose up "), start)  # setUp did
        for line in others:
            run_line(line)
        self.assertEqual(compose("ps", "-q").stdout, "")

    def follow_tutorial(self):
        up, curl, prepare, start = blocks(TUTORIAL, "sh")
        self.assertEqual(up, "docker compose up\n")  # setUp did
        run_line(curl)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "proto").symlink_to(SOURCE / "proto")
            (pathlib.Path(folder) / "mine.py").write_text(blocks(TUTORIAL, "python")[0])
            subprocess.run(["bash", "-euc", prepare], cwd=folder, check=True, capture_output=True, timeout=300)
            with subprocess.Popen(shlex.split(start), cwd=folder, stdout=subprocess.PIPE, text=True) as process:
                seen = ""
                while "payment.capture.succeeded 42.00 EUR" not in seen:
                    line = process.stdout.readline()
                    self.assertTrue(line, seen)
                    seen += line
                process.kill()


class BadInputTest(unittest.TestCase):
    def serve(self, *options):
        return run("docker", "run", "--rm", "--read-only", *options, "hookbridge", check=False)

    def config(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o644)
        return file.name

    def mounted(self, text):
        return ["-v", f"{self.config(text)}:/etc/hookbridge/hookbridge.yaml:ro"]

    GOOD = 'sources: [{name: po, preset: payment_options, keys: [{secret: "inline:token"}]}]\n'

    # The last log lines are those of `hookbridge check`.
    def test_a_wrong_configuration(self):
        mounted = self.mounted("ingres: {}\nsources:\n  - name: UPPER\n    preset: stripe\n")
        checked = run("docker", "run", "--rm", *mounted, "hookbridge", "check", "--config",
                      "/etc/hookbridge/hookbridge.yaml", check=False)
        served = self.serve(*mounted)
        self.assertEqual((served.returncode, checked.returncode), (1, 1))
        self.assertIn("hookbridge.yaml:1:", checked.stderr)
        self.assertTrue(served.stderr.endswith(checked.stderr), served.stderr)

    def test_volumes_that_cannot_be_written(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)
        for volume in (f"{directory.name}:/var/lib/hookbridge", "hookbridge-read-only:/var/lib/hookbridge:ro"):
            result = self.serve(*self.mounted(self.GOOD + "journal: {directory: /var/lib/hookbridge}\n"), "-v", volume)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("/var/lib/hookbridge", result.stderr.splitlines()[-1])
        run("docker", "volume", "rm", "hookbridge-read-only", check=False)

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            mounted = self.mounted(self.GOOD + f'ingress: {{listen: "{address}"}}\n'
                                   "journal: {directory: /var/lib/hookbridge}\n")
            result = self.serve("--network", "host", "-v", "/var/lib/hookbridge", *mounted)
        self.assertEqual(result.returncode, 1)
        self.assertIn(address, result.stderr.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
