#!/usr/bin/env python3
"""Made-up requests by the contract and against it, by schemathesis, to a coordinator on a real Kafka and a real Redis. Every answer
must be one that the contract has. Afterwards the coordinator must be as well as before.

    fuzz_api.py SAGA SCHEMATHESIS [--seconds S] [--seed N]
"""
import argparse
import os
import subprocess
import sys
import time

from contract import PATH
from examples import STUCK, UNMOVED, WAITING
from servers import Servers, request

HERE = os.path.dirname(os.path.abspath(__file__))


def need(good, *words):
    if not good:
        sys.exit("fuzz_api: " + " ".join(str(word) for word in words))


def start(base, definition, key, wait="1m", **input):
    answer = request(f"{base}/api/v1/sagas?wait={wait}", "POST", {"definition": definition, "key": key, "input": input})
    need(answer.status in (200, 202), "a start fails:", answer)
    return answer.json["outcome"]


def fill(servers, program, base):
    """Something of everything that can be asked for, under the names of schemathesis.toml."""
    for text in (WAITING.format(version=1), STUCK, UNMOVED):
        answer = request(f"{base}/api/v1/definitions?createTopics=true", "POST", text)
        need(answer.status == 201, "a definition is not deployed:", answer)
    for key in ("o-1", "o-2", "a/b c"):
        start(base, "order-fulfilment", key, orderId=key, total=5)
    start(base, "waiting", "w-1", "1s", word="w-1", color="red")
    start(base, "stuck", "s-1", word="s-1")
    for key in ("lost-1", "lost-2", "lost-3"):
        servers.saga(program, "send", "inventory.replies", "Nonsense", "--key", key)


def look_after(servers, program, child, base):
    need(child.poll() is None, "the coordinator has ended:", servers.log_of("c0")[-2000:])
    need(request(base + "/readyz").status == 200, "it is not ready any more")
    need(start(base, "unmoved", "afterwards", "5m", word="afterwards") == "completed", "sagas do not go on")
    time.sleep(1)  # Redis is told of the last one
    proof = servers.saga(program, "replay", "--verify", check=False)
    need(proof.returncode == 0, "the journal does not hold:", proof.stdout, proof.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("saga")
    parser.add_argument("schemathesis")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    program = os.path.abspath(given.saga)
    servers = Servers()
    child, base = servers.start_all(program)
    fill(servers, program, base)
    command = [os.path.abspath(given.schemathesis), "--config-file", os.path.join(HERE, "schemathesis.toml"), "run", PATH, "--url",
               base, "--max-time", str(given.seconds), "--exclude-operation-id", "events", "--generation-database", "none"]
    if given.seed is not None:
        command += ["--seed", str(given.seed)]
    done = subprocess.run(command, cwd=HERE, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    look_after(servers, program, child, base)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
