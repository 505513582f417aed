"""The coordinators under test: `saga run`, three of them and one more for a while; one lives by a clock that
can jump."""
import glob
import json
import os
import signal
import subprocess

from processes import Process, Trouble, die_with_parent

LANES = 6
SESSION_S = 4
TRANSACTION_S = 6
STOP_S = 60  # stop-timeout is 20 s; the machine is busy
LIST_S = 600
NAMES = ("c1", "c2", "c3")
GUEST = "c4"  # comes and goes, so that lanes change hands
CLOCKED = "c3"

SETTINGS = {
    "SAGA_LANES": str(LANES),
    "SAGA_KAFKA_SESSION_TIMEOUT_MS": str(SESSION_S * 1000),
    "SAGA_KAFKA_TRANSACTION_TIMEOUT_MS": str(TRANSACTION_S * 1000),
    "SAGA_SNAPSHOT_RECORDS": "2000",
    "SAGA_SNAPSHOT_INTERVAL": "1m",
    "SAGA_STOP_TIMEOUT": "20s",
    "SAGA_LOG": "text",
}


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("SAGA_")}


def faketime_library():
    """libfaketime for programs with threads; None where it is not installed."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    return found[0] if found else None


def waits_library(folder):
    """What librdkafka needs beside it (waits.c)."""
    library = os.path.join(folder, "waits.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "waits.c")
    done = subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", library, source],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble("waits.c: " + done.stderr)
    return library


class Coordinators:
    def __init__(self, program, folder, brokers, redis):
        self.program = program
        self.folder = folder
        self.brokers = brokers
        self.redis = redis
        self.clock_file = os.path.join(folder, "clock")
        self.processes = {}
        self.meant_to_run = set()
        self.unexpected = []  # exits that nobody asked for: (name, status, the log's end)
        for name in (*NAMES, GUEST):
            self.processes[name] = Process(name, folder, [program, "run"], self._environment(name))

    def _environment(self, name):
        environment = clean_environment() | SETTINGS | {
            "SAGA_KAFKA_BOOTSTRAP_SERVERS": self.brokers.servers_of(name),
            "SAGA_REDIS_PORT": str(self.redis.line_ports[name]),
            "SAGA_INSTANCE": name,
        }
        library = faketime_library()
        if name == CLOCKED and library:
            self.set_clock(0)
            environment |= {"LD_PRELOAD": f"{waits_library(self.folder)}:{library}",
                            "FAKETIME_TIMESTAMP_FILE": self.clock_file, "FAKETIME_CACHE_DURATION": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        return environment

    # ---- the command line, past all lines ----

    def call(self, *arguments, patience_s=600, words=None):
        """Runs `saga ARGUMENTS`; gives the exit status and what it printed."""
        environment = clean_environment() | SETTINGS | {
            "SAGA_KAFKA_BOOTSTRAP_SERVERS": self.brokers.servers, "SAGA_REDIS_PORT": str(self.redis.master.port),
            "SAGA_REDIS_TIMEOUT": "60s"}
        try:
            done = subprocess.run([self.program, *arguments], env=environment, cwd=self.folder, input=words, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=patience_s,
                                  preexec_fn=die_with_parent)
        except subprocess.TimeoutExpired as late:
            return 124, f"saga {' '.join(arguments)}: no end within {patience_s} s\n{late.output or ''}"
        return done.returncode, done.stdout

    def sagas(self, *filters):
        """What `saga list` says: a dict a saga. After an hour these are tens of thousands, on a machine that may be busy."""
        code, words = self.call("list", "-d", "bank-transfer", "-n", "100000", "-o", "jsonl", *filters,
                                patience_s=LIST_S)
        if code != 0:
            raise Trouble(f"saga list failed ({code}): {words[-2000:]}")
        return [json.loads(line) for line in words.splitlines() if line.startswith("{")]

    def install(self, definition):
        for words in (("topics", "create", definition), ("deploy", definition)):
            code, output = self.call(*words)
            if code != 0:
                raise Trouble(f"saga {' '.join(words)}: {output}")

    # ---- running ----

    def start(self, name):
        self.notice_exits()
        if not self.processes[name].running():
            self.processes[name].start()
        self.meant_to_run.add(name)

    def notice_exits(self):
        for name in list(self.meant_to_run):
            process = self.processes[name]
            if not process.running():
                self.unexpected.append((name, process.child.returncode, process.tail()))
                self.meant_to_run.discard(name)

    def kill(self, name):
        self.notice_exits()
        self.meant_to_run.discard(name)
        self.processes[name].kill()

    def terminate(self, name):
        """SIGTERM; its end is waited for in `finish`."""
        self.notice_exits()
        self.meant_to_run.discard(name)
        self.processes[name].signal(signal.SIGTERM)

    def finish(self, name):
        """The exit status after terminate; None when SIGKILL was needed."""
        process = self.processes[name]
        if process.child is None:
            return None
        try:
            return process.child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.backtraces(name)
            process.kill()
            return None

    def stop(self, name):
        self.processes[name].signal(signal.SIGSTOP)

    def go_on(self, name):
        self.processes[name].signal(signal.SIGCONT)

    def stop_all(self):
        self.meant_to_run.clear()
        for process in self.processes.values():
            process.kill()

    # ---- the clock of one of them ----

    def set_clock(self, seconds):
        """The wall clock of CLOCKED is so far from the real one, from now on (it looks once a second)."""
        fresh = self.clock_file + ".new"
        with open(fresh, "w") as file:
            file.write(f"{seconds:+d}\n")
        os.rename(fresh, self.clock_file)

    # ---- when something is wrong ----

    def backtraces(self, name):
        """What every thread does just now, into <name>.backtrace; needs gdb."""
        process = self.processes[name]
        if not process.running():
            return
        with open(os.path.join(self.folder, name + ".backtrace"), "ab") as file:
            try:
                subprocess.run(["gdb", "-p", str(process.child.pid), "-batch", "-ex", "thread apply all bt"],
                               stdout=file, stderr=subprocess.STDOUT, timeout=60, preexec_fn=die_with_parent)
            except (OSError, subprocess.TimeoutExpired) as problem:
                file.write(f"no backtrace: {problem}\n".encode())
