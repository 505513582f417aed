"""Hostile clients of every kind at once, while sagas run in the same process: what they send is refused and logged, memory stays
bounded, and the lanes don't notice."""
import base64
import collections
import hashlib
import json
import os
import socket
import threading
import unittest

from confluent_kafka import Producer

import security
from examples import UNMOVED
from servers import eventually, request

SAGAS = 200
TOKEN = "the-operators-token"
CONNECTIONS = 60
LOGGED_A_SECOND = 20  # coordinator/http/peers.c
HOST = b"Host: localhost\r\n"
START = b"POST /api/v1/sagas HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"


class Siege:
    """Threads that attack until they are told to stop; `done` counts by kind."""

    def __init__(self, port):
        self.port, self.stopping, self.done = port, threading.Event(), collections.Counter()
        self.answers = collections.Counter()
        replayed = json.dumps({"definition": "unmoved", "key": "replayed", "id": "captured-1", "input": {"word": "replayed"}}).encode()
        allowed = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
        forged = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=") + b"." + b"e30" + b"."
        floods = {
            "huge body": START + allowed + b"Content-Length: 1000000\r\n\r\n" + b"[" * 1000000,
            "huge head": b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100000 + b"\r\n\r\n",
            "deep JSON": START + allowed + b"Content-Length: 600\r\n\r\n" + b'{"definition":"unmoved","key":"deep","input":'
                         + b"[" * 277 + b"]" * 277 + b"}",
            "path": b"GET /api/v1/sagas/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + HOST + allowed + b"\r\n",
            "log": b"GET /api/v1/x\x1elevel=info\x1estatus=200\",\"level\":\"info HTTP/1.1\r\n" + HOST + allowed + b"\r\n",
            "header": b"GET /api/v1/me HTTP/1.1\r\n" + HOST + allowed + b"X: a\rSet-Cookie: b\x00c\r\n\r\n",
            "forged": b"GET /api/v1/sagas HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + forged + b"\r\n\r\n",
            "guessed": b"GET /api/v1/sagas HTTP/1.1\r\n" + HOST + b"Authorization: Bearer guess\r\n\r\n",
            "replayed": START + allowed + b"Content-Length: " + str(len(replayed)).encode() + b"\r\n\r\n" + replayed,
        }
        self.kinds = set(floods) | {"slow head", "slow body", "silent"}
        slow = {"slow head": (b"GET /livez HTTP/1.1\r\n" + HOST, b"X: y\r\n"),
                "slow body": (START + allowed + b"Content-Length: 999999\r\n\r\n", b" " * 4096), "silent": (b"", b"")}
        self.threads = [threading.Thread(target=self.flood, args=one) for one in floods.items()]
        self.threads += [threading.Thread(target=self.dawdle, args=(kind, *parts)) for kind, parts in slow.items()
                         for _ in range(10)]
        for thread in self.threads:
            thread.start()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def flood(self, kind, data):
        while not self.stopping.wait(0.02):
            answer = b""
            try:
                with self.connect() as s:
                    s.sendall(data)
                    answer = s.recv(4096)
            except OSError:
                pass  # more are connected than may be
            if answer:
                self.answers[kind, answer.split(b" ", 2)[1].decode()] += 1
            self.done[kind] += 1

    def dawdle(self, kind, first, then):
        while not self.stopping.is_set():
            try:
                with self.connect() as s:
                    s.sendall(first)
                    self.done[kind] += 1
                    while not self.stopping.wait(0.5):
                        s.sendall(then)
                        s.settimeout(0.01)
                        try:
                            if s.recv(4096) == b"":
                                break
                        except socket.timeout:
                            pass
                        s.settimeout(10)
            except OSError:
                self.stopping.wait(0.1)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class BesiegedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        servers = security.SERVERS
        tokens, definition = os.path.join(servers.folder, "besieged.tokens"), os.path.join(servers.folder, "unmoved.yaml")
        with open(tokens, "w") as file:
            file.write(f"op operator sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
        with open(definition, "w") as file:
            file.write(UNMOVED)
        servers.saga(security.PROGRAM, "deploy", definition)
        cls.child, cls.port = servers.start_coordinator(security.PROGRAM, "--http-tokens", tokens, "--http-connections",
                                                        str(CONNECTIONS), name="besieged")
        cls.base = f"http://127.0.0.1:{cls.port}"
        assert eventually(lambda: request(cls.base + "/readyz").status == 200)

    @classmethod
    def tearDownClass(cls):
        cls.child.terminate()
        assert cls.child.wait(300) == 0

    def memory(self):
        with open(f"/proc/{self.child.pid}/status") as file:
            return int([line for line in file if line.startswith("VmRSS")][0].split()[1])

    def start_sagas(self, prefix):
        producer = Producer({"bootstrap.servers": security.SERVERS.bootstrap})
        for i in range(SAGAS):
            key = f"{prefix}-{i}"
            producer.produce("shop.orders", json.dumps({"word": key}), key, headers={"ce_type": "UnmovedAsked"})
        self.assertEqual(producer.flush(300), 0)

    def completed(self):
        done = security.SERVERS.saga(security.PROGRAM, "list", "--definition", "unmoved", "--status", "completed", "--limit", "1000",
                                     "-o", "json")
        return {row["id"].split("/", 1)[1] for row in json.loads(done.stdout)}

    def metric(self, name):
        text = request(self.base + "/metrics", token=TOKEN).body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)

    def log(self):
        return security.SERVERS.log_of("besieged").splitlines()

    def test_1_the_lanes_do_not_notice(self):
        """Catches a lane that waits for a request, and requests that take memory without end."""
        self.start_sagas("calm")
        self.assertTrue(eventually(lambda: len(self.completed()) == SAGAS))
        siege = Siege(self.port)
        try:
            self.assertTrue(eventually(lambda: set(siege.done) == siege.kinds), siege.done)
            self.assertTrue(eventually(lambda: siege.done["huge body"] > 30))
            before = self.memory()
            self.start_sagas("besieged")
            wanted = {f"{prefix}-{i}" for prefix in ("calm", "besieged") for i in range(SAGAS)}
            self.assertTrue(eventually(lambda: wanted <= self.completed(), 600))
            seen = dict(siege.done)
            self.assertTrue(eventually(lambda: siege.done["huge body"] > seen["huge body"] + 30))  # they are still at it
            self.assertLess(self.memory() - before, 128 * 1024)
        finally:
            siege.stop()
        type(self).siege = siege
        self.assertIsNone(self.child.poll())
        self.assertTrue(eventually(lambda: self.metric("saga_ready") == 1))
        for name in ("saga_recoveries_total", "saga_transactions_aborted_total", "saga_dead_letters_total"):
            self.assertEqual(self.metric(name), 0, name)

    def test_2_all_was_refused(self):
        answers = collections.defaultdict(set)
        for kind, status in self.siege.answers:
            answers[kind].add(status)
        busy = {"503", "429"}
        for kind, statuses in {"huge body": {"400"}, "huge head": {"400", "413", "431"}, "deep JSON": {"400"}, "path": {"400", "404"},
                               "log": {"400", "404"}, "header": {"400", "200"}, "forged": {"401"}, "guessed": {"401"},
                               "replayed": {"202"}}.items():
            self.assertTrue(answers[kind] & statuses, (kind, answers[kind]))
            self.assertLessEqual(answers[kind], statuses | busy, kind)

    def test_3_what_is_replayed_is_done_once(self):
        path = "/api/v1/sagas/unmoved/replayed"
        self.assertTrue(eventually(lambda: request(self.base + path, token=TOKEN).json.get("status") == "completed"))
        history = eventually(lambda: [a for a in [request(self.base + path + "/history?limit=1000", token=TOKEN)] if a.status == 200])
        runs = history[0].json["runs"]
        facts = [fact["fact"] for run in runs for record in run["items"] for fact in record["facts"]]
        self.assertEqual((len(runs), facts.count("SagaStarted")), (1, 1))

    def test_4_refusals_are_logged_a_few_a_second(self):
        # one that was broken, or made up, is no JSON; what is printed when it is ready is no line of the log
        lines = [json.loads(line) for line in self.log() if not line.startswith("saga ")]
        refused = [line for line in lines if line["event"] == "request refused"]
        self.assertLessEqual({400, 401}, {line.get("status") for line in refused})
        for line in refused:
            self.assertEqual(line["level"], "warning")
            self.assertIn("127.0.0.1", line.get("client", line.get("text")))
        seconds = collections.Counter(line["time"][:19] for line in refused)
        # a second of the log's clock may hold the ends of two of the limit's, and a clock that is set a little back some more
        self.assertLessEqual(max(seconds.values()), 3 * LOGGED_A_SECOND)
        self.assertNotIn(TOKEN, "\n".join(self.log()))


if __name__ == "__main__":
    unittest.main()
