"""Kafka with SASL_SSL, SCRAM and ACLs, and Redis with TLS, client certificates and ACL users, for secure_test.py. What rights there
are is read from coordinator/SECURITY.md: its tables are what the test goes by."""
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../http"))
from servers import ROOT, Servers, broker_properties, free_port, wait_port  # noqa: E402

PAGE = os.path.join(ROOT, "coordinator/SECURITY.md")


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def cells(line):
    return [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]


def kafka_rights():
    """(who, resource, pattern, name, operation) of the page's table."""
    with open(PAGE) as file:
        rows = re.findall(r"^\| (?:topic|group|transactional id|cluster) .*\|$", file.read(), re.M)
    for row in rows:
        resource, names, operations, who = cells(row)[:4]
        resource = {"topic": "TOPIC", "group": "GROUP", "transactional id": "TRANSACTIONAL_ID", "cluster": "CLUSTER"}[resource]
        for name in names.split(", "):
            pattern = "PREFIXED" if name.endswith("*") else "LITERAL"
            for operation in operations.split(", "):
                operation = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()
                yield who, resource, pattern, name.rstrip("*"), operation


def redis_rules():
    """What follows ACL SETUSER saga on >PASSWORD."""
    with open(PAGE) as file:
        return re.search(r"^ACL SETUSER saga on >\S+ (.*?)^```", file.read(), re.M | re.S)[1].replace("\\\n", " ").split()


class SecureServers(Servers):
    kafka_password, redis_password = "wine-dark-kafka-7311", "wine-dark-redis-9042"

    def __init__(self, program):
        super().__init__()
        version = json.loads(subprocess.run([program, "version", "-o", "json"], capture_output=True, check=True).stdout)
        # what is older is refused by Kafka 4: coordinator/SECURITY.md
        new = [int(n) for n in version["librdkafka"].split("-")[0].split(".")[:3]] >= [2, 6, 1]
        self.has_scram = new or not glob.glob(self.jars() + "/kafka-clients-4*.jar")
        self.certificates()
        self.java = ["java", "-Xmx512m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", self.jars() + "/*"]

    @staticmethod
    def jars():
        return os.environ.get("KAFKA_JARS", os.path.join(ROOT, "tests/kafka/target/dependency"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def certificates(self):
        for name, authority in (("ca", None), ("rogue-ca", None), ("server", "ca"), ("client", "ca"),
                                ("rogue", "rogue-ca")):
            key, pem = self.path(name + ".key"), self.path(name + ".pem")
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
            if not authority:
                openssl("req", "-x509", "-key", key, "-subj", "/CN=" + name, "-days", "2", "-out", pem)
                continue
            openssl("req", "-new", "-key", key, "-subj", "/CN=" + name, "-out", self.path(name + ".csr"))
            openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path(authority + ".pem"), "-CAkey",
                    self.path(authority + ".key"), "-CAcreateserial", "-days", "2", "-out", pem, "-extfile",
                    self.write("names", "subjectAltName=DNS:localhost"))
        with open(self.path("server.key")) as key, open(self.path("server.pem")) as certificate:
            self.write("broker.pem", key.read() + certificate.read())

    def start_kafka(self):
        self.secure, self.open, controller = free_port(), free_port(), free_port()
        properties = self.write("server.properties", broker_properties(self.folder, controller) + f"""
listeners=SASL_SSL://localhost:{self.secure},PLAINTEXT://127.0.0.1:{self.open},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://localhost:{self.secure},PLAINTEXT://127.0.0.1:{self.open}
listener.security.protocol.map=SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_saga="{self.kafka_password}" user_saga-operator="{self.kafka_password}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={self.path("broker.pem")}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
""")
        users = [word for name in ("saga", "saga-operator") for word in (
            "--add-scram", f"SCRAM-SHA-512=[name={name},password={self.kafka_password}]")]
        done = subprocess.run(self.java + ["kafka.tools.StorageTool", "format", "-t", "saga-tests-cluster-0000", "-c",
                                           properties, *users], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        self.kafka = self.spawn("kafka", self.java + ["kafka.Kafka", properties])
        wait_port(self.open)
        wait_port(self.secure)
        self.bootstrap = f"127.0.0.1:{self.open}"
        self.rights = subprocess.Popen(self.java + [os.path.join(ROOT, "tests/security/Rights.java"), self.bootstrap],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.children.append(self.rights)
        for who, *right in kafka_rights():
            self.right("+", "saga-operator", *right)
            if who == "run":
                self.right("+", "saga", *right)

    def right(self, sign, user, resource, pattern, name, operation):
        self.rights.stdin.write(f"{sign} {user} {resource} {pattern} {name} {operation}\n")
        self.rights.stdin.flush()
        assert self.rights.stdout.readline() == "done\n", f"{sign} {user} {resource} {name} {operation}"

    def start_redis(self):
        self.redis_port, plain = free_port(), self.path("redis.sock")
        self.redis = self.spawn("redis", [
            "redis-server", "--port", "0", "--tls-port", str(self.redis_port), "--unixsocket", plain, "--save", "",
            "--bind", "127.0.0.1", "--maxmemory-policy", "noeviction", "--tls-cert-file", self.path("server.pem"),
            "--tls-key-file", self.path("server.key"), "--tls-ca-cert-file", self.path("ca.pem")], cwd=self.folder)
        wait_port(self.redis_port)
        self.ask_redis("ACL", "SETUSER", "saga", "on", ">" + self.redis_password, *redis_rules())
        self.ask_redis("ACL", "SETUSER", "default", "off")

    def ask_redis(self, *words):
        """By a connection that stays, since nobody may log in as `default` later."""
        if not hasattr(self, "redis_cli"):
            import socket
            self.redis_cli = socket.socket(socket.AF_UNIX)
            self.redis_cli.connect(self.path("redis.sock"))
        self.redis_cli.sendall(b"".join([b"*%d\r\n" % len(words)] + [
            b"$%d\r\n%s\r\n" % (len(word), word) for word in map(str.encode, words)]))
        answer = self.redis_cli.recv(65536).decode()
        assert not answer.startswith("-"), answer
        return answer

    def config(self, name="saga.yaml", **changes):
        """A configuration file. Names with __ for dots and _ for dashes are set, or left out where None."""
        settings = {
            "kafka.bootstrap.servers": f"localhost:{self.secure}", "kafka.security.protocol": "SASL_SSL",
            "kafka.sasl.mechanism": "SCRAM-SHA-512" if self.has_scram else "PLAIN", "kafka.sasl.username": "saga",
            "kafka.sasl.password-file": self.path("kafka.password"), "kafka.ssl.ca.location": self.path("ca.pem"),
            "redis.host": "localhost", "redis.port": self.redis_port, "redis.username": "saga",
            "redis.password-file": self.path("redis.password"), "redis.tls.enabled": "true",
            "redis.tls.ca": self.path("ca.pem"), "redis.tls.certificate": self.path("client.pem"),
            "redis.tls.key": self.path("client.key"), "redis.timeout": "60s", "kafka.session.timeout.ms": 60000,
            "kafka.transaction.timeout.ms": 60000, "lanes": 4, "log": "json", "instance": "one",
            "privacy.key-file": self.path("privacy.key"), "schemas": self.path("schemas")}
        for key, value in changes.items():
            settings[key.replace("__", ".").replace("_", "-")] = value
        return self.write(name, "".join(f"{key}: {value}\n" for key, value in settings.items() if value is not None))
