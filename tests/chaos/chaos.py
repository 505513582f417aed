#!/usr/bin/env python3
"""Faults on the real thing: three brokers, Redis and its replica, three coordinators, the bank transfer with services
in Java and Python; faults drawn from a seed; and the books afterwards. README.md beside this file says more."""
import argparse
import collections
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback

import checker
import faults
from participants import OPENING
from processes import Trouble
from world import World

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECOVERY_S = 900  # a lane that needs longer counts as one that does not come back
SETTLE_S = 900


def read_options():
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults are made (default 10)")
    parser.add_argument("--seed", type=int, help="what they are drawn from (default: any; it is printed)")
    parser.add_argument("--only", default="", metavar="KIND,...", help="only faults of these kinds")
    parser.add_argument("--per-second", type=float, default=12, help="transfers asked for (default 12)")
    parser.add_argument("--careless", action="store_true",
                        help="services that ignore the idempotency key: the checker must find it")
    parser.add_argument("--keep", action="store_true", help="keep logs and ledgers, also after a good run")
    parser.add_argument("--kinds", action="store_true", help="list the kinds of faults, and end")
    for option, where in (("--saga", "build/saga"), ("--jars", "tests/kafka/target/dependency"),
                          ("--own-jars", "build/chaos")):
        parser.add_argument(option, type=os.path.abspath, default=os.path.join(REPOSITORY, where),
                            help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.definition = os.path.join(REPOSITORY, "sagas/bank-transfer.yaml")
    options.only = [name for name in options.only.split(",") if name]
    unknown = set(options.only) - {kind.name for kind in faults.KINDS}
    if unknown:
        parser.error(f"there is no kind of fault {', '.join(sorted(unknown))}; --kinds lists them")
    if options.seed is None:
        options.seed = random.randrange(1, 1000000)
    return options


class Run:
    """The faults' timeline, and what is to be told of it."""

    def __init__(self, world, options):
        self.world = world
        self.options = options
        self.began = time.monotonic()
        self.counts = collections.Counter()
        self.longest = collections.defaultdict(float)  # recovery, by kind

    def say(self, words):
        print(f"{time.monotonic() - self.began:7.1f} s  {words}", flush=True)

    def make_faults(self):
        draw = random.Random(f"faults {self.options.seed}")
        until = self.began + self.options.minutes * 60
        for episode in faults.episodes(draw, self.world.left_out, self.options.only):
            if time.monotonic() >= until:
                return
            self.world.prepare([stroke.kind for _, stroke in episode])
            if not self.play(episode):
                return
            time.sleep(draw.uniform(0.2, 2))

    def play(self, episode):
        """Strokes that overlap, and the recovery from them. False: there was none."""
        began = time.monotonic()
        self.world.struck = []
        events = [(at, "begin", stroke) for at, stroke in episode]
        events += [(at + stroke.seconds, "end", stroke) for at, stroke in episode]
        for at, what, stroke in sorted(events, key=lambda event: event[0]):
            while time.monotonic() < began + at:
                self.world.look()
                time.sleep(min(0.1, max(0, began + at - time.monotonic())))
            if what == "begin":
                self.say(f"{stroke.kind} {stroke.words}, {stroke.seconds} s")
                self.world.under_way.append(stroke)
                self.world.struck.append(stroke)
                stroke.begin(self.world)
                self.counts[stroke.kind] += 1
            else:
                stroke.end(self.world)
                self.world.under_way.remove(stroke)
        return self.recover([stroke.kind for _, stroke in episode])

    def recover(self, kinds):
        healed = time.monotonic()
        took = self.world.watch.wait_for_all(healed, RECOVERY_S, self.world.look)
        self.world.look()
        if took is None:
            lanes = self.world.watch.idle_lanes(healed)
            self.world.note_stall(f"lanes {lanes} do not work {RECOVERY_S} s after {' and '.join(kinds)}")
            return False
        self.say(f"all lanes work again {took:.1f} s after")
        for kind in kinds:
            self.longest[kind] = max(self.longest[kind], took)
        return True

    def report(self, books):
        statuses = collections.Counter(status for _, status in books.sagas)
        attempts = len(books.commands) - len({command.key for command in books.commands})
        print(f"\nseed {self.options.seed}, {self.options.minutes:g} minutes: {sum(self.counts.values())} faults\n")
        print(f"{'fault':26} {'times':>5}  {'longest recovery':>16}")
        for kind in faults.KINDS:
            if kind.name in self.world.left_out:
                print(f"{kind.name:26}  NOT DONE: {self.world.left_out[kind.name]}")
            elif self.counts[kind.name]:
                print(f"{kind.name:26} {self.counts[kind.name]:5}  {self.longest[kind.name]:14.1f} s")
        print(f"\nsagas: {len(books.sagas)}: " +
              ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())))
        print(f"commands: {len(books.commands)}, {attempts} of them tried again; effects: {len(books.effects)}")
        print(f"stuck and retried by the operator: {self.world.retried}")
        print(f"money: {sum(a.balance for a in books.accounts)} of {OPENING * len(books.accounts)}")
        print(f"saga replay --verify: {books.replay[1].strip().splitlines()[0] if books.replay[1] else ''}")
        print(f"longest recovery: {max(self.longest.values(), default=0):.1f} s; "
              f"longest standstill of a lane, the fault included: {self.world.watch.longest_still_s:.1f} s")


def run(options, folder):
    """Gives what does not hold."""
    print(f"seed {options.seed}; logs and ledgers are in {folder}", flush=True)
    world = World(options, folder)
    try:
        for kind, why in world.left_out.items():
            print(f"NOT DONE HERE: {kind}: {why}", flush=True)
        world.start()
        a_run = Run(world, options)
        world.watch.count_standstills(True)
        a_run.make_faults()
        world.heal()
        a_run.say("no more faults: waiting for every transfer to end")
        world.settle(SETTLE_S)
        a_run.say("every transfer that could end has ended: looking at the books")
        books = world.read_books()
        a_run.report(books)
        return world.violations + checker.judge(books)
    finally:
        world.stop()


def main():
    options = read_options()
    if options.kinds:
        for kind in faults.KINDS:
            print(f"{kind.name:26} {kind.about}")
        return 0
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that `finally` is passed
    folder = tempfile.mkdtemp(prefix="saga-chaos-")
    keep = True
    try:
        violations = run(options, folder)
        keep = bool(violations) or options.keep
        if not violations:
            print("\nEvery invariant holds.")
            return 0
        print(f"\n{len(violations)} VIOLATIONS (seed {options.seed}):")
        for words in checker.shown(violations):
            print("- " + words)
        return 1
    except Trouble as trouble:
        print(f"chaos: no verdict: {trouble}", file=sys.stderr)
        return 2
    except Exception:  # a mistake of the test is no verdict either
        traceback.print_exc()
        return 2
    except KeyboardInterrupt:
        keep = options.keep
        return 130
    finally:
        if keep:
            print(f"logs and ledgers are kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
