"""Three brokers of Apache Kafka, each a controller too, with every topic on all of them.

Each client has listeners of its own on every broker, advertised at the lines of proxy.py, so that one client's way to
one broker can be cut. The brokers reach each other by lines as well. Who asks directly (the load, the checker, the
command line) uses the listener DIRECT, which nothing is done to."""
import os
import signal
import subprocess

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from processes import Process, Trouble, wait_until

NODES = (1, 2, 3)
START_S = 600
DISK_BYTES = 8 << 30  # of the broker whose disk gets full; memory is taken for what is really in it

JAVA = ["java", "-Xms64m", "-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]

PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.num.partitions=4
offsets.topic.replication.factor=3
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=6000
replica.socket.timeout.ms=5000
leader.imbalance.check.interval.seconds=15
num.network.threads=1
num.io.threads=3
background.threads=2
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=1048576
"""

LOG4J = """\
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1}: %m%n
"""


class Brokers:
    def __init__(self, folder, jars, lines, clients):
        """`clients`: the names of those who get listeners of their own."""
        self.folder = folder
        self.jars = jars
        self.lines = lines
        self.clients = clients
        self.processes = {}
        self.ports = {node: {name: lines.ports.take() for name in ["INTERNAL", "CONTROLLER", "DIRECT", *clients]}
                      for node in NODES}
        self.servers = ",".join(f"127.0.0.1:{self.ports[node]['DIRECT']}" for node in NODES)
        self.admin = None
        self.small_disk = None  # the folder of the node whose disk can be filled
        self.meant_to_be_down = set()

    def node_folder(self, node):
        return os.path.join(self.folder, f"broker-{node}")

    # ---- starting ----

    def mount_small_disk(self, node):
        """A disk of its own for this broker's data. Returns why there is none, or None."""
        data = os.path.join(self.node_folder(node), "data")
        os.makedirs(data)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "chaos", data],
                              capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr.strip() or f"mount: exit {done.returncode}"
        self.small_disk = data
        return None

    def _resize_disk(self, size):
        return subprocess.run(["mount", "-o", f"remount,size={size}", self.small_disk], capture_output=True,
                              text=True)

    def start(self):
        for node in NODES:
            os.makedirs(self.node_folder(node), exist_ok=True)
        self._lay_lines()
        for node in NODES:
            self._write_properties(node)
        self._format()
        for node in NODES:
            self.processes[node].start()
        self.admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 0})
        wait_until("three brokers", self.all_there, START_S, 0.3)

    def _lay_lines(self):
        self.to_controller = {(a, b): self.lines.add((f"broker-{a}", f"controller-{b}"), self.ports[b]["CONTROLLER"])
                              for a in NODES for b in NODES if a != b}
        self.advertised = {node: {"INTERNAL": self.lines.add(("brokers", f"broker-{node}"),
                                                             self.ports[node]["INTERNAL"]),
                                  "DIRECT": self.ports[node]["DIRECT"]} for node in NODES}
        for node in NODES:
            for client in self.clients:
                port = self.lines.add((client, f"broker-{node}"), self.ports[node][client])
                self.advertised[node][client] = port

    def servers_of(self, client):
        return ",".join(f"127.0.0.1:{self.advertised[node][client]}" for node in NODES)

    def _write_properties(self, node):
        ports = self.ports[node]
        voters = ",".join(f"{other}@127.0.0.1:{self.to_controller.get((node, other), ports['CONTROLLER'])}"
                          for other in NODES)
        listener = lambda name, port: f"{name.upper()}://127.0.0.1:{port}"
        text = PROPERTIES.format(
            node=node, voters=voters, data=os.path.join(self.node_folder(node), "data"),
            listeners=",".join(listener(name, port) for name, port in ports.items()),
            advertised=",".join(listener(name, port) for name, port in self.advertised[node].items()),
            protocols=",".join(f"{name.upper()}:PLAINTEXT" for name in ports))
        with open(self._properties(node), "w") as file:
            file.write(text)
        with open(os.path.join(self.node_folder(node), "log4j2.properties"), "w") as file:
            file.write(LOG4J)
        java = JAVA + [f"-Dlog4j2.configurationFile={self.node_folder(node)}/log4j2.properties",
                       "-cp", os.path.join(self.jars, "*")]
        self.processes[node] = Process(f"broker-{node}", self.node_folder(node),
                                       java + ["kafka.Kafka", self._properties(node)])

    def _properties(self, node):
        return os.path.join(self.node_folder(node), "server.properties")

    def _format(self):
        tools = []
        for node in NODES:
            tool = Process("format", self.node_folder(node), self.processes[node].arguments[:-2] + [
                "kafka.tools.StorageTool", "format", "-t", "saga-chaos-cluster-000", "-c", self._properties(node)])
            tool.start()
            tools.append(tool)
        for tool in tools:
            if tool.child.wait(START_S) != 0:
                raise Trouble("a broker's storage cannot be formatted:\n" + tool.tail())

    # ---- looking ----

    def _metadata(self):
        try:
            return self.admin.list_topics(timeout=2)
        except KafkaException:
            return None

    def all_there(self):
        metadata = self._metadata()
        return metadata is not None and len(metadata.brokers) == len(NODES)

    def in_sync(self):
        """Every partition stands on all three brokers: one may be lost."""
        metadata = self._metadata()
        return (metadata is not None and len(metadata.brokers) == len(NODES) and
                all(len(partition.isrs) == len(NODES) and partition.leader >= 0
                    for topic in metadata.topics.values() for partition in topic.partitions.values()))

    def start_node(self, node):
        self.meant_to_be_down.discard(node)
        if not self.processes[node].running():
            self.processes[node].start()

    def revive(self):
        """Whichever ended by itself, as one does whose disk was full, and takes its time over it."""
        for node in set(NODES) - self.meant_to_be_down:
            self.start_node(node)

    def wait_in_sync(self, patience_s):
        """Until one may be lost again; one that has ended is started."""
        def good():
            self.revive()
            return self.in_sync()
        wait_until("every partition on all three brokers", good, patience_s, 0.3)

    # ---- hurting ----

    def kill(self, node):
        self.meant_to_be_down.add(node)
        self.processes[node].kill()

    def terminate(self, node):
        """Told to stop; whoever starts it again waits for its end."""
        self.meant_to_be_down.add(node)
        self.processes[node].signal(signal.SIGTERM)

    def end(self, node, patience_s=120):
        self.processes[node].stop(patience_s)

    def links_between(self, node):
        """What the other brokers reach this one by, and this one their controllers."""
        name = f"broker-{node}"
        links = self.lines.from_to("brokers", name) + self.lines.from_to(None, f"controller-{node}")
        return links + [link for (a, b), link in self.lines.links.items()
                        if a == name and b.startswith("controller-")]

    def fill_disk(self, node):
        """The disk becomes as small as what stands on it. The broker may end of it, and stays down then."""
        self.meant_to_be_down.add(node)
        for _ in range(50):  # what stands there grows in the meantime, and less than that is refused
            disk = os.statvfs(self.small_disk)
            done = self._resize_disk((disk.f_blocks - disk.f_bfree) * disk.f_frsize)
            if done.returncode == 0:
                return
        raise Trouble(f"a broker's disk cannot be made small: {done.stderr.strip()}")

    def empty_disk(self, node):
        self.meant_to_be_down.discard(node)
        done = self._resize_disk(DISK_BYTES)
        if done.returncode != 0:
            raise Trouble(f"a broker's disk cannot be made large again: {done.stderr.strip()}")

    def stop_all(self):
        for process in self.processes.values():
            process.kill()
