#!/usr/bin/env python3
"""A service that takes part in sagas. What is particular to it stands in ACTIONS; the rest is the contract
that every participant keeps, in any language:

    participant.py BOOTSTRAP COMMAND-TOPIC...        (apt install python3-confluent-kafka)
"""
import json
import sqlite3
import sys
from confluent_kafka import Consumer, Producer


def answer(reply, **body):
    return lambda key, command: (reply, {name: value.format(key=key) for name, value in body.items()})


# Command type -> what to do. Gets the business key and the command's body, gives the reply's type and body.
ACTIONS = {
    "ReserveStock": answer("StockReserved", reservationId="reservation-{key}"),
    "ReleaseStock": answer("StockReleased"),
    "CheckFraud": answer("FraudCleared"),
    "ChargeCard": lambda key, command: (
        ("CardDeclined", {"reason": "over the limit"}) if command.get("amount", 0) > 5000
        else ("CardCharged", {"chargeId": "charge-" + key})),
    "RefundCard": answer("CardRefunded"),
    "BookCourier": answer("CourierBooked", bookingId="booking-{key}"),
    "CancelCourier": answer("CourierCancelled"),
    "HandOver": answer("HandedOver"),
    "SendReceipt": answer("ReceiptSent"),
}

# A real service has this table beside its own data and writes both in one transaction.
database = sqlite3.connect("participant.db")
database.execute("create table if not exists done (idempotency_key primary key, reply, body)")


def handle(headers, key, command):
    """Does what a command asks for, once: the same idempotency key always gets the first answer again."""
    wanted = headers["ce_sagaidempotencykey"]
    compensated = database.execute("select 1 from done where idempotency_key = ?", (wanted + "/compensate",))
    if compensated.fetchone():  # Kafka may deliver a command behind its own compensation
        return "Refused", {"reason": "it was compensated before it arrived"}
    known = database.execute("select reply, body from done where idempotency_key = ?", (wanted,)).fetchone()
    if known:
        return known[0], json.loads(known[1])
    if headers["ce_type"] not in ACTIONS:  # asked again later: by then somebody may have deployed what knows it
        return "Unavailable", {"reason": "nothing in ACTIONS for " + headers["ce_type"]}
    with database:
        reply, body = ACTIONS[headers["ce_type"]](key, command)
        database.execute("insert into done values (?, ?, ?)", (wanted, reply, json.dumps(body)))
    return reply, body


def main(bootstrap, *topics):
    # Commands of a transaction that was aborted are none: read_committed passes over them.
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "participant", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
    # The partitioner of the Java clients, so that a reply comes back to the lane that waits for it.
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    consumer.subscribe(list(topics))
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        headers = {name: value.decode() for name, value in message.headers() or []}
        reply, body = handle(headers, message.key().decode(), json.loads(message.value()))
        print(message.key().decode(), headers["ce_type"], "->", reply, flush=True)
        producer.produce(headers["ce_sagareplyto"], json.dumps(body), message.key(),
                         headers={"ce_type": reply, "ce_sagacommandid": headers["ce_id"],
                                  "content-type": "application/json"})
        producer.flush()
        consumer.commit(message)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: participant.py BOOTSTRAP COMMAND-TOPIC...   as in: participant.py localhost:9092 accounts.commands")
    main(*sys.argv[1:])
