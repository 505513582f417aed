#!/usr/bin/env python3
"""What a collector took (collector.py) against what the sagas did.

    check.py SPANS COMMANDS --outcome STATUS=COUNT... [--parents PREFIX SPAN]

COMMANDS has a line for every command and published event that stands in Kafka: ce_id, ce_time, traceparent, tracestate, key,
with tabs between them. Exits with 1 and words when something is not so."""
import argparse
import collections
import datetime
import json
import os
import sys

import otlp_form
from otlp_form import attribute, need


def nanoseconds(text):
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    since = time - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (since // datetime.timedelta(milliseconds=1)) * 1000000


def check_commands(lines, spans, by_id):
    """Each message that says that it is recorded has the span that it names, which begins when it was decided."""
    named = set()
    for line in lines:
        message, time, parent, state, _ = line.rstrip("\n").split("\t")
        version, trace, span_id, flags = parent.split("-")
        need(version == "00" and flags in ("00", "01"), "a traceparent that is none:", parent)
        if flags == "00":
            need(not any(span["traceId"] == trace for span in spans), "spans of a trace that is not recorded:", trace)
            continue
        span = by_id.get((trace, span_id))
        need(span, "no span of message", message, parent)
        need(attribute(span, "messaging.message.id") == message, "another's span:", message, span)
        need(int(span["startTimeUnixNano"]) == nanoseconds(time), "it begins at another time:", message, time, span)
        need(span.get("traceState", "") == state, "another tracestate:", state, span)
        named.add((trace, span_id))
    for key, span in by_id.items():
        need(span["kind"] != 4 or key in named, "a span of a message that there is not:", span)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("spans")
    parser.add_argument("commands")
    parser.add_argument("--outcome", action="append", default=[])
    parser.add_argument("--parents", nargs=2, metavar=("PREFIX", "SPAN"))
    given = parser.parse_args()
    with open(given.spans, encoding="utf-8") as file:
        spans = [json.loads(line) for line in file]
    with open(given.commands, encoding="utf-8") as file:
        lines = file.readlines()
    need(not os.path.exists(given.spans + ".wrong"), "requests of a wrong form, see", given.spans + ".wrong")
    by_id = otlp_form.check_whole(spans)
    sagas = [span for span in spans if span["name"].startswith("saga ")]
    outcomes = collections.Counter(attribute(saga, "saga.status") for saga in sagas)
    expected = {status: int(count) for status, count in (outcome.split("=") for outcome in given.outcome)}
    need(outcomes == expected, "other outcomes:", dict(outcomes), "not", expected)
    need(len({saga["traceId"] for saga in sagas}) == len(sagas), "sagas share a trace")
    for saga in sagas:
        if given.parents and attribute(saga, "saga.id").startswith(given.parents[0]):
            need(saga.get("parentSpanId") == given.parents[1], "not under the span of its start:", saga)
    check_commands(lines, spans, by_id)
    print(f"{len(spans)} spans of {len(sagas)} sagas hold, {len(lines)} messages")


if __name__ == "__main__":
    try:
        main()
    except otlp_form.Wrong as error:
        sys.exit(str(error))
