"""Does to an export of a journal what somebody would who can write to Kafka, and makes its manifest anew: in lane 0, far from
both ends, with the chain as it is or computed anew. For the integration test, which imports it.

Usage: tamper.py EXPORT KIND TO; KIND is altered, removed, inserted, reordered, truncated or nothing, or one of these with
"-anew" behind it.
"""
import base64
import hashlib
import json
import pathlib
import shutil
import sys

PLACE = 20


def bytes_of(row):
    return base64.b64decode(row["value"])


def set_bytes(row, value):
    row["value"] = base64.b64encode(value).decode()


def gap_behind(rows, place):
    """The first line from `place` on in front of which an offset is free."""
    return next(i for i in range(place, len(rows)) if rows[i]["offset"] > rows[i - 1]["offset"] + 1)


def altered(rows):
    at = next(i for i in range(PLACE, len(rows)) if b'"done-' in bytes_of(rows[i]))
    set_bytes(rows[at], bytes_of(rows[at]).replace(b'"done-', b'"Done-'))
    return at


def amid(rows):
    """The first line from PLACE on that is neither its saga's first nor its last: those leave no gap in a sequence."""
    keys = [row["key"] for row in rows]
    return next(i for i in range(PLACE, len(rows)) if keys[i] in keys[:i] and keys[i] in keys[i + 1:])


def removed(rows):
    at = amid(rows)
    del rows[at]
    return at


def inserted(rows):
    at = gap_behind(rows, PLACE)
    rows.insert(at, {**rows[PLACE - 3], "offset": rows[at - 1]["offset"] + 1})
    return at


def reordered(rows):
    a, b = rows[PLACE], rows[PLACE + 1]
    a["key"], b["key"] = b["key"], a["key"]
    a["value"], b["value"] = b["value"], a["value"]
    return PLACE


def truncated(rows):
    del rows[-2:]
    return len(rows)


def nothing(rows):
    return len(rows)


def chain_anew(rows, first):
    for before, row in zip(rows[first - 1:], rows[first:]):
        value = bytes_of(row)
        set_bytes(row, value[:-32] + hashlib.sha256(bytes_of(before)[-32:] + value[:-32]).digest())


def reseal(folder, rows):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    lane = next(lane for lane in manifest["journal"] if lane["lane"] == 0)
    lane.update(records=len(rows), last={"offset": rows[-1]["offset"], "chain": bytes_of(rows[-1])[-32:].hex()})
    for row in manifest["files"]:
        data = (folder / row["name"]).read_bytes()
        row.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    path.write_text(json.dumps(manifest))


def main():
    source, kind, folder = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    shutil.copytree(source, folder)
    path = folder / "journal-0000.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    acts = (altered, removed, inserted, reordered, truncated, nothing)
    first = {act.__name__: act for act in acts}[kind.removesuffix("-anew")](rows)
    if kind.endswith("-anew"):
        chain_anew(rows, first)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    reseal(folder, rows)


main()
