#!/usr/bin/env python3
"""Kafka, Redis, a participant and a coordinator with its HTTP API, until Ctrl-C: for trying the API, and the browser view.

    serve.py build/saga [FLAG...]      flags are the coordinator's
"""
import signal
import sys

from servers import Servers

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
program, flags = sys.argv[1], sys.argv[2:]
servers = Servers()
_, base = servers.start_all(program, *flags)
print(f"{base}/  kafka {servers.bootstrap}  redis {servers.redis_port}  {servers.folder}", flush=True)
signal.sigwait({signal.SIGINT, signal.SIGTERM})
