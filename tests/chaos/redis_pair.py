"""Redis twice: a master, and a replica that can take its place."""
import os
import shutil
import socket
import time

from processes import Process, wait_until

TIMEOUT_S = 60
START_S = 300


class RedisError(Exception):
    pass


def ask(port, *words):
    """One command on a connection of its own; gives the answer as text, int, None or a list of these."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        request = b"*%d\r\n" % len(words)
        for word in words:
            data = str(word).encode()
            request += b"$%d\r\n%s\r\n" % (len(data), data)
        connection.sendall(request)
        with connection.makefile("rb") as answers:
            return _read(answers)


def _read(answers):
    line = answers.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("the connection ended")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise RedisError(rest.decode())
    if kind == b"+":
        return rest.decode()
    if kind == b":":
        return int(rest)
    if int(rest) < 0:
        return None
    if kind == b"$":
        return answers.read(int(rest) + 2)[:-2].decode(errors="replace")
    return [_read(answers) for _ in range(int(rest))]


class Server:
    def __init__(self, name, folder, port):
        self.name = name
        self.folder = os.path.join(folder, name)
        self.port = port
        os.makedirs(self.folder)
        self.process = None

    def start(self, master=None):
        """On what its folder holds; `master`: the server whose replica it is."""
        arguments = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder,
                     "--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction",
                     "--repl-diskless-sync-delay", "0", "--repl-timeout", "10"]
        if master:
            arguments += ["--replicaof", f"127.0.0.1 {master.port}"]
        self.process = Process(self.name, self.folder, arguments)
        self.process.start()

    def answers(self):
        try:
            return ask(self.port, "PING") == "PONG"
        except (OSError, RedisError):
            return False

    def forget(self):
        """Its data, while it does not run."""
        for entry in os.listdir(self.folder):
            if not entry.endswith(".log"):
                path = os.path.join(self.folder, entry)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


class RedisPair:
    """The coordinators reach the master by lines (proxy.py), which are turned round when the replica takes over."""

    def __init__(self, folder, lines, clients):
        self.lines = lines
        self.master = Server("redis-a", folder, lines.ports.take())
        self.replica = Server("redis-b", folder, lines.ports.take())
        self.line_ports = {client: lines.add((client, "redis"), self.master.port) for client in clients}

    def start(self):
        self.master.start()
        wait_until("Redis", self.master.answers, START_S)
        self.replica.start(self.master)
        wait_until("the replica of Redis", self.in_step, START_S)

    def in_step(self):
        """The replica follows."""
        try:
            return "master_link_status:up" in ask(self.replica.port, "INFO", "replication")
        except (OSError, RedisError):
            return False

    # ---- hurting ----

    def kill(self, keep_data):
        self.master.process.kill()
        if not keep_data:
            self.master.forget()

    def restart_master(self):
        self.master.start()

    def flush(self):
        ask(self.master.port, "FLUSHALL")

    def part(self):
        """From here on the replica does not hear of what the master is told."""
        ask(self.replica.port, "REPLICAOF", "NO", "ONE")

    def fail_over(self):
        """The master dies and the replica takes its place, with what it has."""
        self.master.process.kill()
        self.master, self.replica = self.replica, self.master
        for link in self.lines.from_to(None, "redis"):
            link.point_to(self.master.port)

    def restart_replica(self):
        self.replica.forget()
        self.replica.start(self.master)

    def wait_for_replica(self, patience_s=START_S):
        """In step long enough that what was there has arrived."""
        wait_until("the replica of Redis", self.in_step, patience_s)
        time.sleep(0.2)

    def check(self):
        wait_until("Redis", self.master.answers, START_S)

    def stop_all(self):
        for server in (self.master, self.replica):
            if server.process:
                server.process.kill()
