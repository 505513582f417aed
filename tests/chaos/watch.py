"""Watches every lane's journal: a lane works when committed records appear in it."""
import threading
import time

from confluent_kafka import Consumer, TopicPartition

from coordinators import LANES

JOURNAL = "saga.journal"


class Watch:
    def __init__(self, servers):
        self.last = [time.monotonic()] * LANES  # when the lane was last seen to work
        self.longest_still_s = 0.0
        self.counting = False
        self.records = 0
        self.lock = threading.Lock()
        self.ends = threading.Event()
        self.consumer = Consumer({"bootstrap.servers": servers, "group.id": "chaos-watch", "log_level": 0,
                                  "isolation.level": "read_committed", "enable.auto.commit": False,
                                  "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50,
                                  "reconnect.backoff.max.ms": 200, "topic.metadata.refresh.interval.ms": 2000})
        self.consumer.assign([TopicPartition(JOURNAL, lane, 0) for lane in range(LANES)])
        self.thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ends.is_set():
            for message in self.consumer.consume(200, 0.1):
                if not message.error():
                    self._saw(message.partition())
        self.consumer.close()

    def _saw(self, lane):
        now = time.monotonic()
        with self.lock:
            self.records += 1
            if self.counting:
                self.longest_still_s = max(self.longest_still_s, now - self.last[lane])
            self.last[lane] = now

    def count_standstills(self, counting):
        """Only while there is a steady load is a lane without records one that does not work."""
        with self.lock:
            self.counting = counting
            self.last = [time.monotonic()] * LANES

    def idle_lanes(self, since):
        """Those that were not seen to work since then."""
        with self.lock:
            return [lane for lane in range(LANES) if self.last[lane] <= since]

    def wait_for_all(self, since, patience_s, meanwhile=lambda: None):
        """Until every lane has worked since then: gives how long the slowest took, or None."""
        while time.monotonic() - since < patience_s:
            if not self.idle_lanes(since):
                with self.lock:
                    return max(self.last) - since
            meanwhile()
            time.sleep(0.05)
        return None

    def stop(self):
        self.ends.set()
        self.thread.join(10)
