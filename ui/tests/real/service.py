#!/usr/bin/env python3
"""The services of order.yaml: they do as the order says, and slowly enough to be watched.

    service.py BOOTSTRAP DELAY-SECONDS"""
import collections
import json
import sys
import threading
import time

from confluent_kafka import Consumer, Producer

done = collections.Counter()  # how often each was asked for


def answer(kind, key, order):
    done[kind, key] += 1
    if kind == "Reserve":
        return "OutOfStock" if order.get("stock") == 0 else "Reserved"
    if kind == "Charge":
        return "Declined" if order.get("declined") else "Charged"
    if kind == "Release":  # refused once, where the order says so: a person asks again
        return "NotReleased" if order.get("stuck") and done[kind, key] == 1 else "Released"
    return {"Refund": "Refunded", "Ship": "NoVan" if order.get("van") == 0 else "Shipped"}[kind]


def main(bootstrap, delay_s):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "view-shop", "auto.offset.reset": "earliest",
                         "isolation.level": "read_committed"})
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    consumer.subscribe(["view.commands"])

    def send(message, headers, order):
        key = message.key()
        reply = answer(headers["ce_type"], key, order)
        producer.produce(headers["ce_sagareplyto"], json.dumps({"by": "shop", "at": int(time.time() * 1000)}), key,
                         headers={"ce_type": reply, "ce_sagacommandid": headers["ce_id"],
                                  "content-type": "application/json"})
        producer.poll(0)

    while True:
        message = consumer.poll(0.2)
        if message is None or message.error():
            producer.flush()
            continue
        headers = {name: value.decode() for name, value in message.headers() or []}
        order = json.loads(message.value())["order"]
        if order.get("many"):  # nobody watches each of them
            send(message, headers, order)
        else:
            threading.Timer(order.get("after", float(delay_s)), send, (message, headers, order)).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
