"""A real Kafka, a real Redis and coordinators, on free ports and in a temporary folder, for the tests of the HTTP API."""
import atexit
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


held = []  # sockets that keep their ports
atexit.register(lambda: [s.close() for s in held])


def free_port():
    """A port that stays free for the server that is told of it: its socket is bound for good and never listens, so that the kernel
    gives it neither to another test nor to an outgoing connection. A server that sets SO_REUSEADDR, as all here do, can have it."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.append(s)
    return s.getsockname()[1]


def wait_port(port, seconds=600):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")


def eventually(what, seconds=300):
    """What it gives, as soon as that is something; else what it gave last."""
    until = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > until:
            return value
        time.sleep(0.1)


def broker_properties(folder, controller):
    """Of a broker that is its own controller, on that port: all but its listeners. The controller waits for it for two minutes, as on a
    machine that is busy it is not heard of though nothing is wrong."""
    return f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
broker.session.timeout.ms=120000
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
min.insync.replicas=1
default.replication.factor=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.flush.interval.messages=9223372036854775807
"""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Servers:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="saga-http-")
        self.children = []
        atexit.register(self.stop)

    def spawn(self, name, argv, **options):
        log = open(os.path.join(self.folder, name + ".log"), "ab")
        # whoever serves until a signal comes has it blocked
        unblock = lambda: signal.pthread_sigmask(signal.SIG_SETMASK, set())
        child = subprocess.Popen(argv, stdout=log, stderr=log, preexec_fn=unblock, **options)
        log.close()
        self.children.append(child)
        return child

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            return file.read()

    def start_kafka(self):
        jars = os.environ.get("KAFKA_JARS", os.path.join(ROOT, "tests/kafka/target/dependency"))
        if not os.path.isdir(jars):
            raise RuntimeError("no Kafka: mvn -q -f tests/kafka/pom.xml dependency:copy-dependencies")
        classpath = ":".join(sorted(glob.glob(jars + "/*.jar")))
        port, controller = free_port(), free_port()
        properties = os.path.join(self.folder, "server.properties")
        with open(properties, "w") as file:
            file.write(broker_properties(self.folder, controller) + f"""
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
""")
        java = ["java", "-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-cp", classpath]
        subprocess.run(java + ["kafka.tools.StorageTool", "format", "-t", "saga-tests-cluster-0000", "-c", properties],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.kafka = self.spawn("kafka", java + ["kafka.Kafka", properties])
        wait_port(port)
        self.bootstrap = f"127.0.0.1:{port}"

    def start_redis(self):
        self.redis_port = free_port()
        self.redis = self.spawn("redis", ["redis-server", "--port", str(self.redis_port), "--save", "", "--bind",
                                          "127.0.0.1", "--maxmemory-policy", "noeviction"], cwd=self.folder)
        wait_port(self.redis_port)

    def tell_redis(self, command):
        with socket.create_connection(("127.0.0.1", self.redis_port)) as connection:
            connection.sendall(command.encode() + b"\r\n")
            answer = connection.recv(4096)
        assert answer == b"+OK\r\n", answer

    def environment(self, **more):
        """With so much time for everybody that a machine that stands still for a while is nobody's end."""
        return {**os.environ, "SAGA_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap, "SAGA_REDIS_PORT": str(self.redis_port),
                "SAGA_LANES": "4", "SAGA_SCHEMAS": os.path.join(self.folder, "schemas"), "SAGA_REDIS_TIMEOUT": "60s",
                "SAGA_KAFKA_SESSION_TIMEOUT_MS": "30000", "SAGA_KAFKA_TRANSACTION_TIMEOUT_MS": "60000",
                "SAGA_STOP_TIMEOUT": "100s", **more}

    def saga(self, program, *arguments, check=True, **options):
        return subprocess.run([program, *arguments], env=self.environment(), check=check, capture_output=True, text=True,
                              timeout=600, **options)

    def start_coordinator(self, program, *flags, name="c0", arguments=(), **variables):
        """Returns the process and the port of its API. The log is <name>.log."""
        port = free_port()
        child = self.spawn(name, [program, "run", "--http", str(port), "--instance", name, "--log", "json", *flags,
                                  *arguments], env=self.environment(**variables))
        wait_port(port)
        return child, port

    def start_participant(self):
        self.spawn("participant", ["/usr/bin/python3", "-B",
                                   os.path.join(ROOT, "tests/participants/python/participant.py"), self.bootstrap,
                                   "inventory.commands", "payments.commands", "shipping.commands"], cwd=self.folder)

    def start_all(self, program, *flags):
        """Kafka, Redis, a coordinator with the example deployed, and a participant. Returns the coordinator and its API."""
        example = os.path.join(ROOT, "sagas/order-fulfilment.yaml")
        self.start_kafka()
        self.start_redis()
        self.saga(program, "topics", "create", example)
        child, port = self.start_coordinator(program, *flags, arguments=[example])
        self.start_participant()
        base = f"http://127.0.0.1:{port}"
        while request(base + "/readyz").status != 200:
            time.sleep(0.2)
        return child, base

    def stop(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in reversed(self.children):
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
        self.children = []
        shutil.rmtree(self.folder, ignore_errors=True)


def request(url, method="GET", body=None, token=None, content_type=None, headers=None, context=None, timeout=600):
    data = None
    headers = dict(headers or {})
    if body is not None:
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        headers["Content-Type"] = content_type or ("application/json" if not isinstance(body, (str, bytes))
                                                   else "application/yaml")
    if token:
        headers["Authorization"] = "Bearer " + token
    made = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(made, timeout=timeout, context=context) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())
