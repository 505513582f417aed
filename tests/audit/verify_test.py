"""Journals that were tampered with (tampered.c), exports that were broken, anchors that are not what they seem: what
`saga audit verify` and tools/verify-journal.py find. Each must name the record, and both must say the same.

Usage: verify_test.py SAGA SAGA_TAMPERED REPOSITORY [PART...]
"""
import base64
import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SAGA, TAMPERED, REPOSITORY = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
VERIFIER = REPOSITORY / "tools/verify-journal.py"
# Both say these in the same words. What follows from a record that was tampered with (facts, sequences) is each one's own.
SHARED = {"chain", "anchor", "manifest", "file", "line", "order", "unreadable", "opening", "lane", "key"}

# Lane 0 has a record at 14, 16, 17, 18 and its last at 21; anchors are of 16, 21, and of lane 1's last, 29.
FOUND = {  # by hash chain, sequences and definitions alone; and by anchors
    "nothing": (set(), set()),
    "altered": ({("chain", 16), ("lane", 16)}, set()),  # its saga's name too
    "removed": ({("chain", 17)}, {("anchor", 16)}),
    "inserted": ({("chain", 15)}, set()),
    "forged": ({("chain", 16)}, set()),
    "moved": ({("chain", 12), ("chain", 15), ("chain", 16)}, set()),
    "reordered": ({("chain", 16)}, {("anchor", 16)}),
    "truncated": (set(), {("anchor", 21)}),
    "beheaded": ({("chain", 1), ("opening", 1)}, set()),
    "beheaded-anew": ({("opening", 1)}, {("anchor", 16), ("anchor", 21)}),
    "more-lanes": ({("opening", 0)}, {("anchor", 16), ("anchor", 21)}),
    "opens-nothing": ({("opening", 0)}, {("anchor", 16), ("anchor", 21)}),
    "opened-twice": ({("opening", 15)}, {("anchor", 16), ("anchor", 21)}),
    "rewritten": ({("lane", 16)}, {("anchor", 16), ("anchor", 21)}),
    "removed-anew": (set(), {("anchor", 16), ("anchor", 21)}),
    "other-key": ({("key", 16)}, set()),
    "shortened": ({("unreadable", 16), ("chain", 17)}, {("anchor", 16)}),
    "emptied": ({("unreadable", 16), ("chain", 17)}, {("anchor", 16)}),
    "foreign": ({("unreadable", 11), ("unreadable", 15)}, set()),
    "cut": (set(), set()),
    "by-time": (set(), set()),
    "by-saga": (set(), set()),
    "by-time-removed": ({("chain", 17)}, {("anchor", 16)}),
}
bad = 0


def check(name, holds, words):
    global bad
    if not holds:
        bad += 1
        print(f"{name}: {words}")


def run(command, environment=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          env={**os.environ, **(environment or {})})
    if done.returncode not in (0, 1, 2):
        print(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        sys.exit(1)
    return done


def rows_of(done):
    if not done.stdout.startswith("{"):
        return []  # it says what is wrong, and could not go on
    said = json.loads(done.stdout)
    rows = said["first"]
    assert said["verified"] == (not rows) == (done.returncode == 0), said
    return rows


def places(rows, kinds):
    return {(row["kind"], row.get("offset")) for row in rows if row["kind"] in kinds}


def anchored_to(done):
    """Of each lane the offset up to which an anchor proves it."""
    if not done.stdout.startswith("{"):
        return None
    return {lane["lane"]: lane["anchoredTo"] for lane in json.loads(done.stdout)["lanes"]}


def in_their_own_words(row):
    """What is wrong with bytes that cannot be read each reader says in its way."""
    return {name: value for name, value in row.items() if row["kind"] != "unreadable" or name != "words"}


def both(name, folder, *options, environment=None):
    """What the two say of a folder: exit status and rows, of `saga` first."""
    arguments = [folder, "-o", "json", *options]
    saga = run([SAGA, "audit", "verify", *arguments])
    python = run([sys.executable, "-B", VERIFIER, *arguments], environment)
    check(name, saga.returncode == python.returncode,
          f"exit {saga.returncode} and {python.returncode}\n{saga.stdout}{saga.stderr}\n{python.stdout}{python.stderr}")
    rows = rows_of(saga), rows_of(python)
    anchored = [anchored_to(done) for done in (saga, python)]
    check(name, anchored[0] == anchored[1], f"anchored to {anchored[0]} and {anchored[1]}")
    shared = [sorted(json.dumps(in_their_own_words(row), sort_keys=True) for row in found if row["kind"] in SHARED)
              for found in rows]
    check(name, shared[0] == shared[1], f"not the same:\n{shared[0]}\n{shared[1]}")
    return saga.returncode, *rows


# ---- journals ----

class World:
    def __init__(self, folder):
        self.folder = folder
        self.key, self.pub = folder / "anchor.key", folder / "anchor.pub"
        self.other_key, self.other_pub = folder / "other.key", folder / "other.pub"
        for key, pub in ((self.key, self.pub), (self.other_key, self.other_pub)):
            openssl("genpkey", "-algorithm", "ed25519", "-out", key)
            openssl("pkey", "-in", key, "-pubout", "-out", pub)

    def make(self, kind, name=None):
        export, anchors = self.folder / (name or kind), self.folder / f"{name or kind}.anchors"
        shutil.rmtree(export, ignore_errors=True)
        done = run([TAMPERED, kind, self.key, anchors, export])
        assert done.returncode == 0, done.stderr
        return export, anchors


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def journals(world):
    """Catches a chain, a sequence or an anchor that is not looked at, and a record that is not named."""
    for kind, (alone, anchored) in FOUND.items():
        export, anchors = world.make(kind)
        code, saga, python = both(kind, export)
        for rows in (saga, python):
            check(kind, places(rows, SHARED) == alone, f"{places(rows, SHARED)}, not {alone}")
        facts = any(row["kind"] == "facts" for row in saga)
        check(kind, facts == (kind in ("altered", "inserted", "forged", "rewritten", "removed-anew")), f"facts: {saga}")
        if kind not in ("rewritten", "removed-anew"):  # what those leave are facts and sequences
            check(kind, code == (1 if alone else 0), f"exit {code}")
        code, *found = both(f"{kind}, anchors", export, "--anchors", anchors, "--key", world.pub)
        check(kind, code == (1 if alone or anchored else 0), f"with anchors: exit {code}")
        for rows in found:
            check(kind, places(rows, SHARED) == alone | anchored, f"with anchors: {places(rows, SHARED)}")
        if kind in ("altered", "beheaded"):  # the records under the anchors are as they were, the chain is not
            done = run([SAGA, "audit", "verify", export, "-o", "json", "--anchors", anchors, "--key", world.pub])
            check(kind, anchored_to(done) == {0: None, 1: 29}, f"anchored to {anchored_to(done)}")
        code, *_ = both(f"{kind}, complete", export, "--complete")
        if kind in ("cut", "by-time", "by-saga"):
            check(kind, code == 1, "a part passes for all of the journal")


def rewritten_alone(world):
    """Without an anchor, a rewritten journal's hashes are all right: deciding finds what was altered, sequences what is
    missing."""
    export, _ = world.make("rewritten")
    saga = run([SAGA, "audit", "verify", export, "-o", "json"])
    check("rewritten", places(rows_of(saga), {"facts"}) == {("facts", 16)}, saga.stdout)
    export, _ = world.make("removed-anew")
    for rows in both("removed-anew", export)[1:]:
        check("removed-anew", places(rows, {"sequence"}) == {("sequence", 17)}, f"{rows}")
    export, _ = world.make("other-run")
    for rows in both("other-run", export)[1:]:
        check("other-run", ("sequence", 16) in places(rows, {"sequence"}), f"{rows}")
    export, _ = world.make("other-begun-run")
    for rows in both("other-begun-run", export)[1:]:
        words = [row["words"] for row in rows if (row["kind"], row["offset"]) == ("sequence", 1)]
        check("other-begun-run", len(words) == 1 and words[0].startswith("it begins the run "), f"{rows}")


def places_of_records(world):
    """Catches a record that stands in a lane which is not its saga's, and one of a saga that says no definition: whole lanes that
    changed places have chains that hold."""
    export, anchors = world.make("swapped")
    code, *found = both("swapped", export)
    check("swapped", code == 1, f"exit {code}")
    for rows in found:
        check("swapped", {row["kind"] for row in rows} == {"lane"}, f"{rows}")
    export, _ = world.make("no-hash")
    code, *found = both("no-hash", export)
    check("no-hash", code == 1, f"exit {code}")
    for rows in found:
        check("no-hash", [(row["kind"], row["offset"]) for row in rows] == [("definition", 16)], f"{rows}")


def carried(world):
    """Catches a run that changes of a saga that began before a part."""
    export, _ = world.make("by-time-other-run")
    code, *found = both("by-time-other-run", export)
    check("by-time-other-run", code == 1, f"exit {code}")
    told = [sorted((row["offset"], row["words"]) for row in rows) for rows in found]
    check("by-time-other-run", told[0] == told[1] and all("run " in words for _, words in told[0]), f"{told}")


def definitions(world):
    for kind in ("no-definition", "other-definition"):
        export, _ = world.make(kind)
        code, saga, python = both(kind, export)
        check(kind, code == 1, f"exit {code}")
        for rows in (saga, python):
            check(kind, ("definition", 1) in places(rows, {"definition"}), f"{rows}")


def definitions_of_parts(world):
    """Catches a definition that was exchanged where a part has nothing that is decided again by it."""
    for kind in ("by-time", "by-saga", "cut"):
        export, _ = world.make(kind, "parts")
        change_definition(export, resealed=True)
        code, *found = both(kind, export)
        check(kind, code == 1, f"exit {code}")
        told = [sorted((row["offset"], row["words"]) for row in rows if row["kind"] == "definition") for rows in found]
        manifest = json.loads((export / "manifest.json").read_text())
        openings = sum(lane["first"] is not None and lane["first"]["offset"] == 0 for lane in manifest["journal"])
        check(kind, told[0] == told[1] and len(told[0]) == manifest["records"] - openings, f"{told}")


# ---- files ----

def reseal(export):
    """As somebody would who makes the manifest anew."""
    path = export / "manifest.json"
    manifest = json.loads(path.read_text())
    for row in manifest["files"]:
        data = (export / row["name"]).read_bytes()
        row.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    path.write_text(json.dumps(manifest))


def edit(export, **changes):
    path = export / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest.update(changes)
    path.write_text(json.dumps(manifest))


def edit_lanes(export, **changes):
    rows = json.loads((export / "manifest.json").read_text())["journal"]
    edit(export, journal=[{**row, **changes} for row in rows])


def lines_of(export):
    return (export / "journal-0000.jsonl").read_text().splitlines(keepends=True)


def write_lines(export, lines):
    (export / "journal-0000.jsonl").write_text("".join(lines))


def flip(line):
    row = json.loads(line)
    value = bytearray(base64.b64decode(row["value"]))
    value[-40] ^= 1
    row["value"] = base64.b64encode(value).decode()
    return json.dumps(row) + "\n"


def change_definition(export, resealed=False):
    path = export / "definitions.jsonl"
    row = json.loads(path.read_text())
    value = base64.b64decode(row["value"]) + b"# \n"
    row["value"] = base64.b64encode(value).decode()
    if resealed:
        row["sha256"] = hashlib.sha256(value).hexdigest()
    path.write_text(json.dumps(row) + "\n")
    if resealed:
        reseal(export)


def replace(number, change):
    def act(export):
        lines = lines_of(export)
        lines[number] = change(lines[number])
        write_lines(export, lines)
    return act


def with_member(text):
    return lambda line: line.replace("{", "{" + text + ",", 1)


def not_strict(line):
    """Other text for the same bytes: bits that no byte has."""
    row = json.loads(line)
    row["key"] = "cx=="
    return json.dumps(row) + "\n"


FILES = {  # what is done to an export, and what kinds of fault must come of it, before and after its manifest is made anew
    "a byte": (replace(5, flip), {"file"}, None),
    "a line is gone": (lambda e: write_lines(e, lines_of(e)[:5] + lines_of(e)[6:]), {"file", "chain", "manifest"},
                       {"chain", "manifest"}),
    "the last line is gone": (lambda e: write_lines(e, lines_of(e)[:-1]), {"file", "manifest"}, {"manifest"}),
    "a line twice": (replace(5, lambda line: line + line), {"file", "order", "chain", "manifest"},
                     {"order", "chain", "manifest"}),
    "lines in another order": (lambda e: write_lines(e, [*lines_of(e)[:5], lines_of(e)[6], lines_of(e)[5],
                                                         *lines_of(e)[7:]]), {"file", "order", "chain"},
                               {"order", "chain"}),
    "no line": (replace(5, lambda line: "hello\n"), {"file", "line", "chain", "manifest"},
                {"line", "chain", "manifest"}),
    "half a line": (replace(-1, lambda line: line[:len(line) // 2]), {"file", "line", "manifest"},
                    {"line", "manifest"}),
    "a NUL byte": (replace(5, lambda line: "\0" + line), {"file", "line", "chain", "manifest"},
                   {"line", "chain", "manifest"}),
    "a list": (replace(5, lambda line: "[" * 100000 + "\n"), {"file", "line", "chain", "manifest"},
               {"line", "chain", "manifest"}),
    "no base64": (replace(5, lambda line: line.replace('"value":"', '"value":"*')),
                  {"file", "line", "chain", "manifest"}, {"line", "chain", "manifest"}),
    "base64 in another way": (replace(5, not_strict), {"file", "line", "chain", "manifest"},
                              {"line", "chain", "manifest"}),
    "NaN": (replace(5, with_member('"x":NaN')), {"file", "line", "chain", "manifest"}, {"line", "chain", "manifest"}),
    "deep": (replace(5, with_member('"x":' + "[" * 256 + "]" * 256)), {"file", "line", "chain", "manifest"},
             {"line", "chain", "manifest"}),
    "a byte order mark": (replace(5, lambda line: "\ufeff" + line), {"file", "line", "chain", "manifest"},
                          {"line", "chain", "manifest"}),
    "a time that is none": (replace(5, lambda line: line.replace('"time":', '"time":true,"t":')),
                            {"file", "line", "chain", "manifest"}, {"line", "chain", "manifest"}),
    "capital digits": (replace(5, with_member('"before":"' + "AB" * 32 + '"')), {"file", "line", "chain", "manifest"},
                       {"line", "chain", "manifest"}),
    "escapes": (replace(5, lambda line: line.replace('"value":"w', '"value":"\\u0077')),
                {"file", "line", "chain", "manifest"}, {"line", "chain", "manifest"}),
    "no value": (replace(5, lambda line: json.dumps({**json.loads(line), "value": None}) + "\n"),
                 {"file", "unreadable", "chain"}, {"unreadable", "chain"}),
    "a gap in what is complete": (replace(5, lambda line: json.dumps({**json.loads(line), "before": None}) + "\n"),
                                  {"file", "manifest"}, {"manifest"}),
    "an empty file": (lambda e: write_lines(e, []), {"file", "manifest"}, {"manifest"}),
    "a missing file": (lambda e: (e / "journal-0001.jsonl").unlink(), {"file", "manifest"}, None),
    "a definition": (change_definition, {"file", "definition"}, {"definition"}),
}


def files(world):
    """Catches a hash, a line or a number that is not looked at, and a reader that falls over what it is given."""
    for name, (act, changed, resealed) in FILES.items():
        export, _ = world.make("nothing", "files")
        act(export)
        for kinds in (changed, resealed):
            if kinds is None:
                continue
            code, *found = both(name, export)
            check(name, code == 1, f"exit {code}")
            for rows in found:
                kinds_found = {row["kind"] for row in rows} - {"sequence", "facts"}
                check(name, kinds <= kinds_found, f"{sorted(kinds_found)}, not {sorted(kinds)}")
            if kinds is changed and resealed is not None:
                reseal(export)


def rewrite(change):
    def act(export):
        path = export / "manifest.json"
        path.write_bytes(change(path.read_text()))
    return act


MANIFESTS = {
    "in UTF-16": rewrite(lambda text: text.encode("utf-16")),
    "with a byte order mark": rewrite(lambda text: text.encode("utf-8-sig")),
    "NaN": rewrite(lambda text: text.replace("{", '{"x":NaN,', 1).encode()),
    "a name twice": rewrite(lambda text: text.replace("{", '{"lanes":2,', 1).encode()),
    "half a character": rewrite(lambda text: text.replace("{", '{"x":"\\ud800",', 1).encode()),
    "a NUL": rewrite(lambda text: text.replace("{", '{"x":"\\u0000",', 1).encode()),
    "a number too big": lambda e: edit_lanes(e, leftOut=10 ** 25),
    "a version that is no whole number": lambda e: edit(e, version=1.0),
    "a version that is no number": lambda e: edit(e, version=True),
    "nested deeply": rewrite(lambda text: text.replace("{", '{"x":' + "[" * 100000 + "]" * 100000 + ",", 1).encode()),
    "a chain value in capitals": lambda e: edit(e, journal=[
        {**row, "first": {**row["first"], "chain": row["first"]["chain"].upper()}}
        for row in json.loads((e / "manifest.json").read_text())["journal"]]),
    "none": lambda e: (e / "manifest.json").unlink(),
    "no JSON": lambda e: (e / "manifest.json").write_text('{"format":'),
    "a list": lambda e: (e / "manifest.json").write_text("[]"),
    "another format": lambda e: edit(e, format="x"),
    "a later version": lambda e: edit(e, version=2),
    "no lanes": lambda e: edit(e, lanes=0),
    "too few lanes": lambda e: edit(e, journal=[]),
    "another file": lambda e: edit(e, files=[{"name": "../x", "sha256": "0" * 64, "bytes": 1}]),
    "one file less": lambda e: edit(e, files=json.loads((e / "manifest.json").read_text())["files"][1:]),
    "complete, not to the end": lambda e: edit_lanes(e, toEnd=False),
    "complete, and cut": lambda e: edit_lanes(e, cut=True),
    "a lane twice": lambda e: edit(e, journal=2 * json.loads((e / "manifest.json").read_text())["journal"]),
    "no time": lambda e: edit(e, created=None),
    "no schema": lambda e: edit(e, schema=None),
    "a schema that is not listed": lambda e: edit(e, schema="journal.avsc"),
    "rubbish": lambda e: edit(e, journal=[1, None, {"lane": "x"}], complete=False),
}


def manifests(world):
    """Catches a broken export that passes, and a crash."""
    for name, act in MANIFESTS.items():
        export, _ = world.make("nothing", "manifest")
        act(export)
        code, *_ = both(f"manifest: {name}", export)
        check(f"manifest: {name}", code == 1, f"exit {code}")
    code, *_ = both("no folder", world.folder / "nowhere")
    check("no folder", code == 1, f"exit {code}")


# ---- anchors ----

def first_of(path, **changes):
    lines = path.read_text().splitlines()
    row = {**json.loads(lines[0]), **changes}
    return json.dumps(row, separators=(",", ":")), lines


def anchors(world):
    """Catches a signature or a key that is not looked at, and anchors that seem to prove what they do not."""
    export, path = world.make("nothing", "anchored")
    text = path.read_text()
    given = ["--anchors", path, "--key", world.pub]
    damaged, lines = first_of(path, offset=17)
    cases = {  # what stands in the file, how many faults
        "damaged": ("\n".join([damaged, *lines[1:]]), 1),
        "another chain value": ("\n".join([first_of(path, chain="0" * 64)[0], *lines[1:]]), 1),
        "no JSON": (text + "hello\n", 1),
        "another form": (text + first_of(path, anchor=2)[0] + "\n", 1),
        "long": (text + "x" * 5000 + "\n", 1),
        "twice": (text + text, 0),
        "in another order": ("\n".join(reversed(lines)), 0),
        "the last one broken off": (text[:-40], 1),
        "of another lane": ("\n".join([first_of(path, lane=1)[0], *lines[1:]]), 1),
        "of another time": ("\n".join([first_of(path, time="2026-01-01T00:00:00.000Z")[0], *lines[1:]]), 1),
        "without a newline": (text.rstrip("\n"), 0),
        "of Windows": (text.replace("\n", "\r\n"), 0),
        "none": ("", 1),
    }
    for name, (content, faults) in cases.items():
        path.write_bytes(content.encode())
        code, saga, python = both(f"anchors: {name}", export, *given) if name != "another form" else \
            each(f"anchors: {name}", export, *given)
        check(f"anchors: {name}", code == (1 if faults else 0) and len(saga) == len(python) == faults,
              f"exit {code}, {saga} {python}")
    for name, left, reached in (("the last of lane 0 is gone", [lines[0], lines[2]], {0: 16, 1: 29}),
                                ("those of lane 1 are gone", lines[:2], {0: 21, 1: None})):
        path.write_text("\n".join(left))
        code, *_ = both(name, export, *given)
        done = run([SAGA, "audit", "verify", export, "-o", "json", *given])
        check(name, code == 0 and anchored_to(done) == reached, f"exit {code}, anchored to {anchored_to(done)}")
    path.write_text(text)
    _, other = world.make("nothing", "elsewhere")
    code, saga, _ = both("another key", export, "--anchors", path, "--key", world.other_pub)
    check("another key", code == 1 and len(saga) == 4, f"exit {code}: {saga}")  # three lines, and that none holds
    code, *_ = both("two keys", export, *given, "--key", world.other_pub)
    check("two keys", code == 0, f"exit {code}")
    stub = world.folder / "stub"
    stub.mkdir()
    (stub / "cryptography.py").write_text("raise ImportError\n")
    for content, expected in ((text, 0), ("\n".join([damaged, *lines[1:]]), 1)):
        path.write_text(content)
        code, *_ = both("by openssl", export, *given, environment={"PYTHONPATH": str(stub)})
        check("by openssl", code == expected, f"exit {code}")
    other.unlink()
    path.write_text(text)
    anchors_inside(world, export, path)


def anchors_inside(world, export, path):
    """Catches anchors of a folder that its manifest does not name, and those it names that are not looked at."""
    shutil.copy(path, export / "anchors.jsonl")
    for name, listed, anchored in (("not listed", [], None), ("listed", [{"name": "anchors.jsonl"}], 21)):
        edit(export, files=json.loads((export / "manifest.json").read_text())["files"] + listed)
        reseal(export)
        code, *_ = both(f"anchors inside, {name}", export, "--key", world.pub)
        done = run([SAGA, "audit", "verify", export, "-o", "json", "--key", world.pub])
        check(f"anchors inside, {name}", code == 0 and anchored_to(done)[0] == anchored, done.stdout)


def each(name, export, *options):
    """As both, where the words may differ."""
    arguments = [export, "-o", "json", *options]
    saga = run([SAGA, "audit", "verify", *arguments])
    python = run([sys.executable, "-B", VERIFIER, *arguments])
    check(name, saga.returncode == python.returncode, f"exit {saga.returncode} and {python.returncode}")
    return saga.returncode, rows_of(saga), rows_of(python)


def usage(world):
    """Catches a key or a file that cannot be used and is taken for a fault, or for none."""
    export, path = world.make("nothing", "usage")
    rsa, rsa_pub = world.folder / "rsa.key", world.folder / "rsa.pub"
    openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa)
    openssl("pkey", "-in", rsa, "-pubout", "-out", rsa_pub)
    (world.folder / "empty").write_text("")
    for key in (world.key, rsa_pub, world.folder / "empty", world.folder / "nowhere"):
        code, *_ = both(f"key {key.name}", export, "--anchors", path, "--key", key)
        check(f"key {key.name}", code == 2, f"exit {code}")
    (world.folder / "many").write_text("\n" * ((1 << 20) + 1))
    for options in (["--anchors", path], ["--anchors", world.folder / "many", "--key", world.pub],
                    ["--anchors", world.folder / "nowhere", "--key", world.pub], ["--nonsense"]):
        done = [run([SAGA, "audit", "verify", export, *options]),
                run([sys.executable, "-B", VERIFIER, export, *options])]
        check(f"{options}", [d.returncode for d in done] == [2, 2], f"exit {[d.returncode for d in done]}")


# ---- Avro container files ----

def load_verifier():
    spec = importlib.util.spec_from_file_location("verify_journal", VERIFIER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_container(module, path):
    """The records of an object container file (Avro 1.11 specification), with the bytes of each."""
    data = path.read_bytes()
    assert data[:4] == b"Obj\x01"
    reader = module.Reader(data, 4)
    meta = dict(reader.array(lambda r: (r.text(), r.bytes())))
    sync = reader.take(16)
    assert meta.get("avro.codec", b"null") == b"null", meta
    read = module.compile_schema(json.loads(meta["avro.schema"]), {})
    while reader.at < len(data):
        count, size = reader.number(), reader.number()
        end = reader.at + size
        for _ in range(count):
            begin = reader.at
            yield read(reader), data[begin:reader.at]
        assert reader.at == end and reader.take(16) == sync


def containers(world):
    """Catches a record that is missing in the container file, or is another there."""
    module = load_verifier()
    export, _ = world.make("avro")
    both("avro", export)
    for lane in (0, 1):
        lines = [json.loads(line) for line in (export / f"journal-{lane:04}.jsonl").read_text().splitlines()]
        records = list(read_container(module, export / f"journal-{lane:04}.avro"))
        check("avro", len(records) == len(lines), f"{len(records)} records of {len(lines)}")
        for line, (record, datum) in zip(lines, records):
            value = line["value"] and base64.b64decode(line["value"])
            same = record["offset"] == line["offset"] and record["time"] == line["time"]
            decoded = record["record"][1]
            if decoded is None:
                same = same and record["foreign"] == value
            else:
                same = same and datum.endswith(value[10:]) and decoded["chain"] == value[-32:]
            check("avro", same, f"{line} is not {record}")
    (export / "journal-0000.avro").write_bytes(b"")
    code, *_ = both("avro, emptied", export)
    check("avro, emptied", code == 1, f"exit {code}")


PARTS = (journals, rewritten_alone, places_of_records, carried, definitions, definitions_of_parts, files, manifests, anchors,
         usage, containers)


def main():
    wanted = sys.argv[4:]
    with tempfile.TemporaryDirectory() as folder:
        world = World(pathlib.Path(folder))
        for part in PARTS:
            if not wanted or part.__name__ in wanted:
                part(world)
    print(f"{bad} things are not as they should be" if bad else "all is as it should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
