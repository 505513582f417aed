"""Child processes that never outlive this one, free ports, and waiting with an end."""
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x00020000
# Below the range from which the kernel takes the ports of outgoing connections: else a server that was killed could
# find its port taken by somebody's connection when it comes back.
PORTS = (12000, 32000)

libc = ctypes.CDLL(None, use_errno=True)


class Trouble(Exception):
    """Something that has nothing to do with what is tested, so that there is no verdict."""


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def own_mounts():
    """Mounts made from here on are seen by this process and its children alone and vanish with them. Returns why not,
    or None. Before any thread is started."""
    if libc.unshare(CLONE_NEWNS) != 0:
        return "unshare: " + os.strerror(ctypes.get_errno())
    done = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip()


class Ports:
    """Free ports of 127.0.0.1, none given twice."""

    def __init__(self):
        self.given = set()
        self.random = random.Random()  # not the seed's: two runs of one seed may go on at the same time

    def take(self):
        for _ in range(1000):
            port = self.random.randrange(*PORTS)
            if port in self.given:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            self.given.add(port)
            return port
        raise Trouble("no free port on 127.0.0.1")


class Process:
    """One program that is started, hurt and started again under one name. Start it from the main thread: the kernel
    kills a child when the thread that started it ends."""

    def __init__(self, name, folder, arguments, environment=None):
        self.name = name
        self.folder = folder
        self.log = os.path.join(folder, name + ".log")
        self.arguments = arguments
        self.environment = environment
        self.child = None
        self.stopped = False

    def start(self):
        if self.running():
            raise Trouble(f"{self.name} runs already")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          cwd=self.folder, env=self.environment, preexec_fn=die_with_parent)
        self.stopped = False

    def running(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        if self.running():
            self.child.send_signal(number)
            self.stopped = number == signal.SIGSTOP or (self.stopped and number != signal.SIGCONT)

    def kill(self):
        """SIGKILL, and its end."""
        if self.child is not None:
            self.signal(signal.SIGKILL)
            self.child.wait()
        self.child = None

    def stop(self, patience_s):
        """SIGTERM. Gives the exit status, None when SIGKILL was needed."""
        if not self.running():
            return None
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def tail(self, lines=12):
        try:
            with open(self.log, "rb") as log:
                log.seek(max(0, os.path.getsize(self.log) - 16384))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def wait_until(what, good, patience_s, every_s=0.1):
    """Waits until good() is true; Trouble where it does not come to that."""
    until = time.monotonic() + patience_s
    while not good():
        if time.monotonic() > until:
            raise Trouble(f"{what}: not within {patience_s} s")
        time.sleep(every_s)
