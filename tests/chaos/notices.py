#!/usr/bin/env python3
"""The participant `notices` of the bank transfer, with the stock Python client and its ledger in SQLite.

    notices.py BOOTSTRAP LEDGER [careless]

What a command does and the answer that it got are one transaction of SQLite; the answer is sent behind it, and the
offset is committed behind that. So it may be killed anywhere, and does and says the same once more. A careless one does
not look up what it has done already: the checker must find that."""
import json
import sqlite3
import sys
import zlib

from confluent_kafka import Consumer, KafkaException, Producer

# Of a hundred commands: neither done nor answered; answered "not now"; done, and not answered.
SILENT, UNAVAILABLE, UNSAID = 1, 2, 1

SCHEMA = """
create table if not exists done (idempotency_key text primary key, reply text);
create table if not exists effect (idempotency_key text, command_id text, transfer text, kind text);
"""


def handle(ledger, headers, body, careless):
    """The type of the answer, None for none."""
    key, command_id = headers["ce_sagaidempotencykey"], headers["ce_id"]
    before = ledger.execute("select reply from done where idempotency_key = ?", (key,)).fetchone()
    if before and not careless:
        return before[0]
    # by the command's id, so that a command that is delivered twice is treated the same twice
    chance = zlib.crc32(command_id.encode()) % 100
    if chance < SILENT:
        return None
    if chance < SILENT + UNAVAILABLE:
        return "Unavailable"
    with ledger:
        ledger.execute("insert into effect values (?, ?, ?, ?)",
                       (key, command_id, body["transferId"], headers["ce_type"]))
        ledger.execute("insert or ignore into done values (?, ?)", (key, "Notified"))
    return None if chance < SILENT + UNAVAILABLE + UNSAID else "Notified"


def answer(producer, message, headers, reply):
    producer.produce(headers["ce_sagareplyto"], b"{}", message.key(), headers={
        "ce_specversion": "1.0", "ce_id": "reply/" + headers["ce_id"], "ce_source": "/notices", "ce_type": reply,
        "ce_sagacommandid": headers["ce_id"], "content-type": "application/json"})


def take(consumer, producer, ledger, careless):
    """One portion: done, answered, committed."""
    messages = [message for message in consumer.consume(100, 0.2) if not message.error()]
    for message in messages:
        headers = {name: value.decode() for name, value in message.headers() or []}
        reply = handle(ledger, headers, json.loads(message.value()), careless)
        if reply:
            answer(producer, message, headers, reply)
    if not messages:
        return
    while producer.flush(10):
        pass
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as failed:
        print("not committed, so it comes again:", failed, flush=True)


def main(bootstrap, path, *words):
    ledger = sqlite3.connect(path, timeout=120)
    ledger.execute("pragma journal_mode = wal")
    ledger.executescript(SCHEMA)
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "notices", "isolation.level": "read_committed",
        "enable.auto.commit": False, "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
        "reconnect.backoff.max.ms": 500, "fetch.wait.max.ms": 100})
    # not idempotent, because a broker that comes back without its last records would end the producer for good; an
    # answer that is given twice counts once
    producer = Producer({
        "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "enable.idempotence": False, "acks": "all",
        "message.timeout.ms": 0, "reconnect.backoff.max.ms": 500})
    consumer.subscribe(["notices.commands"])
    while True:
        take(consumer, producer, ledger, "careless" in words)


if __name__ == "__main__":
    main(*sys.argv[1:])
