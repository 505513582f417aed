"""The two services of the bank transfer as processes: `accounts` in Java, `notices` in Python."""
import glob
import os
import sqlite3
import subprocess
import sys

from brokers import JAVA
from processes import Process, Trouble

NAMES = ("accounts", "notices")
HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNTS = 40
OPENING = 600  # little enough that some debits are not covered


def account(number):
    return f"account-{number:02d}"


class Participants:
    def __init__(self, folder, jars, own_jars, brokers, careless):
        self.ledgers = {name: os.path.join(folder, name + ".db") for name in NAMES}
        classes = os.path.join(folder, "classes")
        if not glob.glob(os.path.join(own_jars, "sqlite-jdbc-*.jar")):
            raise Trouble(f"sqlite-jdbc is not in {own_jars}: mvn -f tests/chaos/pom.xml "
                          f"dependency:copy-dependencies -DoutputDirectory={own_jars}")
        class_path = ":".join([classes, os.path.join(jars, "*"), os.path.join(own_jars, "*")])
        done = subprocess.run(["javac", "-d", classes, "-cp", class_path, os.path.join(HERE, "Accounts.java")],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble("Accounts.java: " + done.stderr)
        words = ["careless"] if careless else []
        self.processes = {
            "accounts": Process("accounts", folder, JAVA + [
                "-cp", class_path, "Accounts", brokers.servers_of("accounts"), self.ledgers["accounts"], *words]),
            "notices": Process("notices", folder, [
                sys.executable, os.path.join(HERE, "notices.py"), brokers.servers_of("notices"),
                self.ledgers["notices"], *words]),
        }

    def open_accounts(self):
        with sqlite3.connect(self.ledgers["accounts"]) as ledger:
            ledger.execute("create table account (name text primary key, opened integer, balance integer)")
            ledger.executemany("insert into account values (?, ?, ?)",
                               [(account(number), OPENING, OPENING) for number in range(ACCOUNTS)])
        ledger.close()

    def start_all(self):
        for process in self.processes.values():
            if not process.running():
                process.start()

    def exited(self):
        """Those that ended by themselves, which is trouble of the test."""
        return [process for process in self.processes.values() if process.child is not None and not process.running()]

    def stop_all(self):
        for process in self.processes.values():
            process.kill()
