"""Everything that a run consists of: set up, mended, waited for, taken down."""
import os
import time

import checker
import participants
from brokers import Brokers
from coordinators import GUEST, NAMES, Coordinators, faketime_library
from faults import DISK_NODE
from load import Load
from participants import Participants
from processes import Ports, Trouble, own_mounts
from proxy import Lines
from redis_pair import RedisPair
from watch import Watch

LINED = (*NAMES, GUEST)  # who reaches Redis by a line
IN_SYNC_S = 600
BEGIN_S = 600


class World:
    def __init__(self, options, folder):
        self.folder = folder
        self.options = options
        self.left_out = {}  # kind -> why it cannot be done here
        self.violations = []
        self.under_way = []  # strokes that have begun and not ended
        self.struck = []  # those that have begun since all lanes worked
        self.retried = 0
        self.stopping = []
        no_mounts = own_mounts()  # before the first thread
        self.lines = Lines(Ports())
        self.brokers = Brokers(folder, options.jars, self.lines, [*LINED, *participants.NAMES])
        self.redis = RedisPair(folder, self.lines, LINED)
        no_disk = no_mounts or self.brokers.mount_small_disk(DISK_NODE)
        if no_disk:
            self.left_out["broker-disk-full"] = f"no disk of its own can be mounted for a broker ({no_disk})"
        if not faketime_library():
            self.left_out["clock-jump"] = "libfaketime is not installed (apt package faketime)"

    def start(self):
        self.stopping.append(self.redis.stop_all)
        self.redis.start()
        self.stopping.append(self.brokers.stop_all)
        self.brokers.start()
        self.coordinators = Coordinators(self.options.saga, self.folder, self.brokers, self.redis)
        self.stopping.append(self.coordinators.stop_all)
        self.coordinators.install(self.options.definition)
        self.participants = Participants(self.folder, self.options.jars, self.options.own_jars, self.brokers,
                                         self.options.careless)
        self.stopping.append(self.participants.stop_all)
        self.participants.open_accounts()
        self.participants.start_all()
        for name in NAMES:
            self.coordinators.start(name)
        self.watch = Watch(self.brokers.servers)
        self.stopping.append(self.watch.stop)
        self.load = Load(self.brokers.servers, self.options.seed, self.options.per_second)
        self.load.start()
        began = time.monotonic()
        if self.watch.wait_for_all(began, BEGIN_S) is None:
            raise Trouble(f"lanes {self.watch.idle_lanes(began)} do not begin to work")

    def stop(self):
        """Everything that was started, in the opposite order; also after only half of it was."""
        for stop in reversed(self.stopping):
            stop()
        self.stopping = []

    def violation(self, words):
        self.violations.append(words)
        print("VIOLATION: " + words, flush=True)

    # ---- during the run ----

    def look(self):
        """What must hold all the time; an exit is told once, and mended so that the run goes on."""
        self.brokers.revive()
        self.coordinators.notice_exits()
        while self.coordinators.unexpected:
            name, status, tail = self.coordinators.unexpected.pop()
            self.violation(f"coordinator {name} ended by itself, with {status}; the end of its log:\n{tail}")
            if name != GUEST:
                self.coordinators.start(name)
        for process in self.participants.exited():
            raise Trouble(f"the participant {process.name} ended by itself:\n{process.tail()}")
        if self.load.look():
            raise Trouble(self.load.problem)

    def expect_clean_end(self, name):
        """After SIGTERM: status 0, or with other trouble, which may be over by now, at least an end."""
        status = self.coordinators.finish(name)
        others = [stroke for stroke in self.struck if name not in stroke.concerns]
        if status is None:
            self.violation(f"coordinator {name} did not end after SIGTERM; see {name}.log and {name}.backtrace")
        elif status != 0 and not others:
            self.violation(f"coordinator {name} ended with {status} after SIGTERM:\n"
                           f"{self.coordinators.processes[name].tail()}")

    def prepare(self, kinds):
        """What a kind of fault asks for: one broker may be lost, the replica of Redis is in step."""
        if any(kind.startswith("broker-") for kind in kinds):
            self.brokers.wait_in_sync(IN_SYNC_S)
        if "redis-failover" in kinds:
            self.redis.wait_for_replica()

    def heal(self):
        """Nothing is wrong any more, whatever was under way."""
        for stroke in list(self.under_way):
            self.under_way.remove(stroke)
            stroke.end(self)
        self.lines.mend_all()
        self.coordinators.set_clock(0)

    def note_stall(self, words):
        """Lanes that do not come to work: what everybody does just now is kept for whoever looks into it."""
        for name in NAMES:
            self.coordinators.backtraces(name)
        self.violation(f"{words}; the backtraces of {', '.join(NAMES)} are in {self.folder}")

    # ---- the end ----

    def settle(self, patience_s):
        """Ends the load, waits until every transfer has ended, retries what is stuck as an operator would."""
        self.watch.count_standstills(False)
        self.brokers.wait_in_sync(IN_SYNC_S)
        self.redis.check()
        if self.load.finish(600):
            raise Trouble("the brokers did not take all transfers that were asked for")
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            self.look()
            stuck = self.coordinators.sagas("-s", "stuck")
            for saga in stuck:
                self._retry(saga["id"])
            moving = stuck or any(self.coordinators.sagas("-s", status) for status in ("running", "compensating"))
            if not moving and len(self.coordinators.sagas()) >= len(self.load.asked):
                return
            time.sleep(1)
        self._tell_unfinished()

    def _retry(self, saga_id):
        code, words = self.coordinators.call("retry", saga_id, "--reason", "the outage is over")
        if code == 0:
            self.retried += 1
        else:
            print(f"saga retry {saga_id}: {words.strip()}", flush=True)

    def _tell_unfinished(self):
        unfinished = [saga for saga in self.coordinators.sagas() if saga["status"] not in ("completed", "compensated")]
        for saga in unfinished[:3]:
            _, words = self.coordinators.call("history", saga["id"])
            self.violation(f"{saga['id']} has not ended: {saga['status']} at {saga['at']}\n{words}")
        self.note_stall(f"{len(unfinished)} transfers have not ended")

    def read_books(self):
        return checker.read_books(self.load.asked, self.coordinators, self.brokers, self.participants)

    def logs(self):
        return [os.path.join(self.folder, name) for name in sorted(os.listdir(self.folder)) if name.endswith(".log")]


