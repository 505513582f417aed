#!/usr/bin/env python3
"""Kafka over TLS with SCRAM and ACLs, Redis over TLS with a client's certificate and an ACL user, both real. The coordinator and all
commands work with the rights of coordinator/SECURITY.md and no more; what is missing is said in words; no log has a password.
Usage: secure_test.py PROGRAM"""
import os
import subprocess
import sys
import unittest

from secure_servers import ROOT, SecureServers
from servers import eventually

PROGRAM = os.path.abspath(sys.argv.pop(1))
SERVERS = SecureServers(PROGRAM)
EXAMPLE = os.path.join(ROOT, "sagas/order-fulfilment.yaml")
PRIVATE = """saga: private
version: 1
participants:
  inventory: { commands: inventory.commands, replies: inventory.replies }
start: { topic: shop.orders, event: PrivateAsked, key: .word }
redact: [.input.email]
steps:
  - set: { seen: .input.email }
"""


class SecureTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.said = []
        SERVERS.write("kafka.password", SERVERS.kafka_password + "\n")
        SERVERS.write("redis.password", SERVERS.redis_password + "\n")
        SERVERS.write("privacy.key", "3f" * 32 + "\n")
        SERVERS.start_redis()
        SERVERS.start_kafka()
        cls.operator = SERVERS.config("operator.yaml", kafka__sasl__username="saga-operator")
        cls.user = SERVERS.config()

    def saga(self, *words, config=None, expect=0, input=None):
        code, said = self.ask(*words, config=config, input=input)
        self.assertEqual(code, expect, f"saga {' '.join(words)}: {said}")
        return said

    def ask(self, *words, config=None, input=None):
        done = subprocess.run([PROGRAM, *words, "--config", config or self.user], capture_output=True, text=True, timeout=600,
                              input=input)
        self.said.append(done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def run_coordinator(self, name, config):
        return SERVERS.spawn(name, [PROGRAM, "run", "--config", config])

    def told(self, name, words, doctor=True, **changes):
        """A coordinator that cannot work says `words` in its log; doctor says them too."""
        config = SERVERS.config(name + ".yaml", instance=name, **changes)
        child = self.run_coordinator(name, config)
        eventually(lambda: words in SERVERS.log_of(name) or child.poll() is not None, 300)
        child.terminate()
        child.wait(300)
        self.assertIn(words, SERVERS.log_of(name))
        if doctor:
            self.assertIn(words, self.saga("doctor", config=config, expect=10))

    def test_1_all_commands_work_with_the_rights_of_the_page(self):
        self.assertIn("inbox", self.saga("topics", "create", EXAMPLE, config=self.operator))
        self.saga("deploy", EXAMPLE, "--create-topics", config=self.operator)
        private = SERVERS.write("private.yaml", PRIVATE)
        self.saga("deploy", private, config=self.operator)
        coordinator = self.run_coordinator("c0", SERVERS.config("c0.yaml", stop_timeout="100s"))
        SERVERS.start_participant()
        # the coordinator has only just been told to begin
        self.saga("start", "order-fulfilment", "--timeout", "10m", "--input", "-",
                  input='{"orderId":"o-1","customerId":"c","total":5,"lines":[]}')
        self.saga("start", "private", "--timeout", "10m", "--input", "-", input='{"word":"p-1","email":"a@example.com"}')
        for saga in ("order-fulfilment/o-1", "private/p-1"):
            self.assertTrue(eventually(lambda: "completed" in self.ask("show", saga)[1]), saga)
        # the other lanes may still be on their way
        self.assertTrue(eventually(lambda: self.ask("doctor")[0] == 0), self.said[-1])
        order = '{"orderId":"o-2","total":1,"lines":[]}'
        words = self.saga("send", "shop.orders", "OrderPlaced", "--body", "-", input=order, expect=1)
        self.assertIn("may not do this with the topic", words)
        self.saga("send", "shop.orders", "OrderPlaced", "--body", "-", input=order, config=self.operator)
        for words in (["list", "-o", "json"], ["history", "order-fulfilment/o-1"], ["definitions"], ["topics", "check"],
                      ["audit", "verify"], ["replay", "--verify"], ["dead-letters", "list"]):
            self.saga(*words)
        self.assertIn("nobody can read the values", self.saga("audit", "forget", "private/p-1", "--reason", "asked", "--timeout", "10m",
                                                              config=self.operator))
        self.assertIsNone(coordinator.poll(), SERVERS.log_of("c0"))
        coordinator.terminate()
        self.assertEqual(coordinator.wait(300), 0)

    def test_2_a_wrong_password_is_told(self):
        wrong = SERVERS.write("wrong.password", "guess\n")
        self.told("kafka-password", "look at the settings kafka.security.protocol, kafka.sasl.*",
                  kafka__sasl__password_file=wrong)
        self.told("redis-password", "it does not take this user and password", redis__password_file=wrong)

    @unittest.skipUnless(SERVERS.has_scram, "Kafka 4 does not take this librdkafka's")
    def test_2_scram_is_what_is_spoken(self):
        with open(self.user) as file:
            self.assertIn("SCRAM-SHA-512", file.read())
        wrong = SERVERS.config("scram.yaml", kafka__sasl__password_file=SERVERS.write("scram.password", "guess\n"))
        self.assertIn("kafka.sasl.", self.saga("doctor", config=wrong, expect=10))
        self.saga("topics", "check", config=self.operator)  # the right one is taken

    @unittest.skipIf(SERVERS.has_scram, "librdkafka is new enough")
    def test_2_a_librdkafka_that_kafka_4_does_not_take_is_told(self):
        config = SERVERS.config("old.yaml", kafka__sasl__mechanism="SCRAM-SHA-512")
        self.assertIn("Kafka 4 takes SCRAM of 2.6.1 and newer only", self.saga("doctor", config=config, expect=10))

    def test_3_a_certificate_of_another_authority_is_told(self):
        rogue_ca = SERVERS.path("rogue-ca.pem")
        self.told("kafka-ca", "certificate verify failed", kafka__ssl__ca__location=rogue_ca)
        self.told("redis-ca", "its certificate is not trusted, or not for localhost", redis__tls__ca=rogue_ca)
        self.told("redis-name", "its certificate is not trusted, or not for redis.example",
                  redis__tls__server_name="redis.example")
        self.told("redis-rogue", "it does not trust this client's certificate", redis__tls__key=SERVERS.path("rogue.key"),
                  redis__tls__certificate=SERVERS.path("rogue.pem"))
        self.told("redis-bare", "it wants a certificate of this client", redis__tls__key=None, redis__tls__certificate=None)
        self.told("redis-plain", "does it want TLS on this port", redis__tls__key=None, redis__tls__certificate=None,
                  redis__tls__ca=None, redis__tls__enabled="false")
        self.told("redis-nothing", "redis.tls.ca: /nowhere.pem cannot be used", redis__tls__ca="/nowhere.pem")

    def without(self, name, words, *right):
        SERVERS.right("-", "saga", *right)
        try:
            self.told(name, words, doctor=False)
        finally:
            SERVERS.right("+", "saga", *right)

    def test_4_a_right_that_is_missing_in_kafka_is_told(self):
        self.without("no-id", "needs Write on the transactional ids", "TRANSACTIONAL_ID", "PREFIXED", "saga-",
                     "WRITE")
        self.without("no-group", "needs Read on the group", "GROUP", "LITERAL", "saga", "READ")
        self.without("no-replies", "may not do this with the topic", "TOPIC", "LITERAL", "payments.replies", "READ")

    def test_5_a_command_that_is_missing_in_redis_is_told(self):
        for rule in ("-script|load", "-evalsha", "-set"):
            SERVERS.ask_redis("ACL", "SETUSER", "saga", rule)
            self.told("no-" + rule[1:4], "allow it the commands and keys that SECURITY.md lists",
                      doctor=rule == "-script|load")
            SERVERS.ask_redis("ACL", "SETUSER", "saga", "+" + rule[1:])

    def test_9_no_password_is_in_any_log(self):
        SERVERS.ask_redis("PING")
        logs = "".join(SERVERS.log_of(name[:-4]) for name in os.listdir(SERVERS.folder) if name.endswith(".log"))
        logs += "".join(self.said) + self.saga("config")
        self.assertIn("order-fulfilment", logs)
        for password in (SERVERS.kafka_password, SERVERS.redis_password):
            self.assertNotIn(password, logs)


if __name__ == "__main__":
    try:
        unittest.main(verbosity=2)
    finally:
        SERVERS.stop()
