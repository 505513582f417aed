"""Asks for transfers, at a steady pace, and remembers what was asked for."""
import json
import random
import threading
import time

from confluent_kafka import Producer

from coordinators import LANES
from participants import ACCOUNTS, account

TOPIC = "bank.transfers"
NOWHERE = "nowhere"  # an account that is not there
AMOUNT_MAX = 60


class Load:
    def __init__(self, servers, seed, per_second):
        self.random = random.Random(f"load {seed}")
        self.pause_s = 1 / per_second
        self.asked = {}  # transfer -> its body, once the brokers have it
        self.sent = 0
        self.problem = None
        self.ends = threading.Event()
        # Without an end: a transfer that is given up would leave open whether it was asked for. Not idempotent: asked
        # twice is asked once, and a broker that comes back without its last records would end the producer for good
        # (OUT_OF_ORDER_SEQUENCE_NUMBER is fatal in librdkafka).
        self.producer = Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random",
                                  "enable.idempotence": False, "acks": "all", "message.timeout.ms": 0, "log_level": 0,
                                  "reconnect.backoff.max.ms": 500, "queue.buffering.max.messages": 1000000})
        self.thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self):
        self.thread.start()

    def look(self):
        """What is wrong with the load itself, None if nothing is."""
        if not self.problem and not self.ends.is_set() and not self.thread.is_alive():
            self.problem = "nobody asks for transfers any more: the load has ended by itself"
        return self.problem

    def _draw(self):
        names = self.random.sample(range(ACCOUNTS), 2)
        source, target = account(names[0]), account(names[1])
        chance = self.random.random()
        if chance < 0.03:
            target = NOWHERE
        elif chance < 0.04:
            source = NOWHERE
        return {"transferId": f"t-{self.sent:06d}", "from": source, "to": target,
                "amount": self.random.randint(1, AMOUNT_MAX)}

    def _send(self, body):
        def delivered(error, message):
            if error:
                self.problem = f"a transfer could not be asked for: {error}"
            else:
                self.asked[body["transferId"]] = body
        # one of ten under a partition that is not its lane's, so that it goes a way round
        where = {"partition": self.random.randrange(LANES)} if self.random.random() < 0.1 else {}
        self.producer.produce(TOPIC, json.dumps(body), body["transferId"], headers={"ce_type": "TransferAsked"},
                              on_delivery=delivered, **where)

    def _run(self):
        due = time.monotonic()
        while not self.ends.is_set():
            body = self._draw()
            self.sent += 1
            self._send(body)
            if self.random.random() < 0.02:
                self._send(body)  # asked for twice is asked for once
            due += self.pause_s
            while True:
                wait = due - time.monotonic()
                self.producer.poll(max(0, min(wait, 0.05)))
                if wait <= 0.05:
                    break
            if due < time.monotonic() - 5:
                due = time.monotonic()

    def finish(self, patience_s):
        """Ends asking. Gives how many were not taken by the brokers in that time."""
        self.ends.set()
        self.thread.join(10)
        return self.producer.flush(patience_s)
