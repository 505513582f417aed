#!/usr/bin/env python3
"""A broker of Apache Kafka, Redis, a coordinator with its HTTP API, and services; then the command that is named, with the
view's address in SAGA_VIEW and a token in SAGA_VIEW_TOKEN. All of it ends with that command.

    world.py --saga PROGRAM COMMAND [ARG...]"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path[:0] = [os.path.join(REPOSITORY, "tests", folder) for folder in ("chaos", "http")]
from confluent_kafka.admin import AdminClient  # noqa: E402
from processes import Ports, Process, Trouble, wait_until  # noqa: E402
from servers import broker_properties  # noqa: E402

START_S = 180
DELAY_S = "1.5"
TOKEN = "a-token-of-the-view's-tests"
TOPICS = ["view.orders", "view.commands", "view.replies"]


def start_broker(folder, ports, jars):
    port = ports.take()
    properties = os.path.join(folder, "server.properties")
    with open(properties, "w") as file:
        controller = ports.take()
        file.write(broker_properties(folder, controller) + f"""
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
""")
    java = ["java", "-Xms64m", "-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", os.path.join(jars, "*")]
    tool = subprocess.run(java + ["kafka.tools.StorageTool", "format", "-t", "saga-view-cluster-0000", "-c", properties],
                          capture_output=True, text=True)
    if tool.returncode != 0:
        raise Trouble("the broker's storage cannot be formatted:\n" + tool.stdout + tool.stderr)
    Process("broker", folder, java + ["kafka.Kafka", properties]).start()
    servers = f"127.0.0.1:{port}"
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})

    def is_there():
        try:
            return len(admin.list_topics(timeout=2).brokers) == 1
        except Exception:  # whatever it is, it is asked again until the time is over
            return False

    wait_until("a broker", is_there, START_S, 0.5)
    return servers


def start_redis(folder, ports):
    port = ports.take()
    Process("redis", folder, ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder,
                              "--save", "", "--maxmemory-policy", "noeviction"]).start()
    return port


def tokens(folder):
    path = os.path.join(folder, "tokens")
    with open(path, "w") as file:
        file.write(f"ada deployer sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    os.chmod(path, 0o600)
    return path


def saga(program, environment, *arguments):
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(f"saga {' '.join(arguments)}:\n{done.stdout}{done.stderr}")


def is_ready(address):
    try:
        with urllib.request.urlopen(address + "readyz", timeout=5) as answer:
            return json.load(answer)["ready"]
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--saga", default=os.path.join(REPOSITORY, "build/saga"), type=os.path.abspath)
    parser.add_argument("--jars", default=os.path.join(REPOSITORY, "tests/kafka/target/dependency"))
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="saga-view-")
    ports = Ports()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAGA_")}
    try:
        servers = start_broker(folder, ports, options.jars)
        environment |= {"SAGA_KAFKA_BOOTSTRAP_SERVERS": servers, "SAGA_REDIS_PORT": str(start_redis(folder, ports)),
                        "SAGA_LANES": "4", "SAGA_LOG": "text"}
        order = os.path.join(HERE, "order.yaml")
        saga(options.saga, environment, "topics", "create", order)
        saga(options.saga, environment, "deploy", order)
        port = ports.take()
        coordinator = Process("coordinator", folder, [options.saga, "run", "--instance", "view", "--http", str(port),
                                                      "--http-tokens", tokens(folder)], environment)
        coordinator.start()
        Process("service", folder, [sys.executable, os.path.join(HERE, "service.py"), servers, DELAY_S]).start()
        address = f"http://127.0.0.1:{port}/"
        try:
            wait_until("the coordinator", lambda: is_ready(address), START_S, 0.5)
        except Trouble:
            sys.exit("the coordinator is not ready:\n" + coordinator.tail(40))
        seen = {"SAGA_VIEW": address, "SAGA_VIEW_TOKEN": TOKEN, "SAGA_VIEW_KAFKA": servers}
        status = subprocess.run(options.command, env=os.environ | seen).returncode
        if status != 0:
            print(coordinator.tail(40), file=sys.stderr)
        sys.exit(status)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
