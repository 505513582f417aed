#!/usr/bin/env python3
"""Proves an export of a saga journal, without any code of the coordinator: written from coordinator/AUDIT.md.

Looks at the files' hashes, the hash chain of each lane, the sequences of each saga, the definitions' hashes, and at anchors
if there are some. It does not decide anything again: `saga audit verify` does that too.

Needs Python 3.9 and nothing else; for anchors the package `cryptography` or, without it, the program `openssl` (3.0).
Exit status: 0 all of it holds, 1 something does not, 2 wrong usage.
"""
import argparse
import base64
import binascii
import collections
import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

FORMAT, VERSION = "saga-audit-export", 1
ZEROS = bytes(32)
WINDOW = 1024
DEPTH_MAX = 256  # of what is nested in a line
ANCHOR_BYTES_MAX, ANCHORS_MAX = 4096, 1 << 20
SHOWN_MAX = 50
ED25519_DER = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, before the 32 bytes of the key


def murmur2(key):
    """As Kafka's Java clients hash a record's key."""
    def mix(k):
        k = k * 0x5BD1E995 & 0xFFFFFFFF
        return (k ^ k >> 24) * 0x5BD1E995 & 0xFFFFFFFF
    value, whole = 0x9747B28C ^ len(key), len(key) & ~3
    for (word,) in struct.iter_unpack("<I", key[:whole]):
        value = (value * 0x5BD1E995 & 0xFFFFFFFF) ^ mix(word)
    if len(key) > whole:
        value = (value ^ int.from_bytes(key[whole:], "little")) * 0x5BD1E995 & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return (value ^ value >> 15) & 0x7FFFFFFF


class Broken(Exception):
    """What was read is not what it must be; the words say why."""


class Usage(Exception):
    """The command line names something that cannot be used."""


# ---- faults ----

class Faults:
    def __init__(self):
        self.rows, self.count = [], 0

    def add(self, kind, words, file=None, lane=None, offset=None, saga=None):
        self.count += 1
        row = {"kind": kind, "file": file, "lane": lane, "offset": offset, "saga": saga, "words": words}
        if len(self.rows) < SHOWN_MAX:
            self.rows.append({name: value for name, value in row.items() if value not in (None, "")})

    def show(self):
        for row in self.rows:
            places = [row["file"]] if "file" in row else []
            places += [f"{name} {row[name]}" for name in ("lane", "offset", "saga") if name in row]
            print(printable(f"fault ({row['kind']}): {', '.join(places)}{': ' if places else ''}{row['words']}"))
        if self.count > len(self.rows):
            print(f"... and {self.count - len(self.rows)} more")


def printable(text):
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


# ---- Avro ----

def canonical(schema, space=""):
    """Parsing canonical form (Avro 1.11 specification)."""
    if isinstance(schema, str):
        return json.dumps(schema if schema in PRIMITIVES or "." in schema or not space else f"{space}.{schema}")
    if isinstance(schema, list):
        return "[" + ",".join(canonical(branch, space) for branch in schema) + "]"
    kind = schema["type"]
    if kind in PRIMITIVES:
        return json.dumps(kind)
    if kind == "array":
        return '{"type":"array","items":' + canonical(schema["items"], space) + "}"
    if kind == "map":
        return '{"type":"map","values":' + canonical(schema["values"], space) + "}"
    name = schema["name"]
    if "." in name:
        space = name.rpartition(".")[0]
    else:
        space = schema.get("namespace", space)
        name = f"{space}.{name}" if space else name
    head = '{"name":' + json.dumps(name) + ',"type":' + json.dumps(kind)
    if kind == "fixed":
        return head + f',"size":{schema["size"]}}}'
    if kind == "enum":
        return head + ',"symbols":' + json.dumps(schema["symbols"], separators=(",", ":")) + "}"
    fields = ('{"name":' + json.dumps(field["name"]) + ',"type":' + canonical(field["type"], space) + "}"
              for field in schema["fields"])
    return head + ',"fields":[' + ",".join(fields) + "]}"


def crc64_avro(data):
    empty = 0xC15D213AA4D7A795
    table = []
    for i in range(256):
        value = i
        for _ in range(8):
            value = (value >> 1) ^ (empty if value & 1 else 0)
        table.append(value)
    crc = empty
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


class Reader:
    """A datum's bytes."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise Broken("its bytes end too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, bits=64):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= 70:
                raise Broken("a number has too many bytes")
        value = (value >> 1) ^ -(value & 1)
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise Broken("a number is out of range")
        return value

    def boolean(self):
        value = self.take(1)[0]
        if value > 1:
            raise Broken("a boolean is neither 0 nor 1")
        return value == 1

    def bytes(self):
        return self.take(self.number())

    def text(self):
        return self.bytes().decode("utf-8", "surrogateescape")

    def array(self, read):
        items = []
        while True:
            count = self.number()
            if count == 0:
                return items
            if count < 0:
                count, _ = -count, self.number()
            if count > len(self.data):
                raise Broken("an array has more items than bytes")
            items += [read(self) for _ in range(count)]


PRIMITIVES = {
    "null": lambda reader: None,
    "boolean": Reader.boolean,
    "int": lambda reader: reader.number(32),
    "long": Reader.number,
    "float": lambda reader: struct.unpack("<f", reader.take(4))[0],
    "double": lambda reader: struct.unpack("<d", reader.take(8))[0],
    "bytes": Reader.bytes,
    "string": Reader.text,
}


def branch_name(schema):
    return schema if isinstance(schema, str) else schema.get("name", schema["type"])


def compile_schema(schema, names):
    """A function from a Reader to a value. A union of records gives (name, value)."""
    if isinstance(schema, str):
        return PRIMITIVES.get(schema) or (lambda reader: names[schema](reader))
    if isinstance(schema, list):
        branches = [compile_schema(branch, names) for branch in schema]
        titles = [branch_name(branch) for branch in schema]
        tagged = any(isinstance(branch, dict) and branch["type"] == "record" for branch in schema)

        def read_union(reader):
            index = reader.number()
            if not 0 <= index < len(branches):
                raise Broken("a union has no such branch")
            value = branches[index](reader)
            return (titles[index], value) if tagged else value
        return read_union
    kind = schema["type"]
    if kind == "record":
        fields = [(field["name"], compile_schema(field["type"], names)) for field in schema["fields"]]

        def read(reader):
            return {name: read_field(reader) for name, read_field in fields}
    elif kind == "array":
        item = compile_schema(schema["items"], names)

        def read(reader):
            return reader.array(item)
    elif kind == "fixed":
        size = schema["size"]

        def read(reader):
            return reader.take(size)
    else:
        return compile_schema(kind, names)  # a type with a logical type
    if "name" in schema:
        names[schema["name"]] = read
    return read


class Records:
    """Reads records by the exported schema."""

    def __init__(self, text):
        schema = json.loads(text)
        self.head = b"\xc3\x01" + crc64_avro(canonical(schema).encode()).to_bytes(8, "little")
        self.read = compile_schema(schema, {})

    def decode(self, value):
        if value is None or not value.startswith(b"\xc3\x01"):
            raise Broken("it is not in Avro's single-object encoding (C3 01)")
        if not value.startswith(self.head):
            raise Broken("it has the fingerprint of another schema")
        reader = Reader(value, len(self.head))
        record = self.read(reader)
        if reader.at != len(value):
            raise Broken("there are bytes behind its end")
        return record


# ---- the folder ----

def refuse_constant(name):
    raise ValueError(f"{name} is no JSON")


def whole_number(digits):
    number = int(digits)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError("a number has more than 64 bits")
    return number


def each_once(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is there twice")
    return members


def depth_of(value):
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


def json_of(data):
    """JSON as RFC 8259 has it: Python's own reader takes more (other encodings, NaN)."""
    value = json.loads(data.decode("utf-8"), parse_constant=refuse_constant)
    if depth_of(value) > DEPTH_MAX:
        raise ValueError("it is nested too deeply")
    return value


def is_plain(data, row, names):
    """Are the texts of these members written without escapes? They never need any."""
    texts = [row[name] for name in names if isinstance(row.get(name), str)]
    return b"\\" not in data or all(f'"{text}"'.encode("utf-8", "surrogatepass") in data for text in texts)


def manifest_of(data):
    """The same, where no name may be there twice, whole numbers have 64 bits, and texts no NUL and whole characters."""
    value = json.loads(data.decode("utf-8"), parse_constant=refuse_constant, parse_int=whole_number,
                       object_pairs_hook=each_once)
    text = json.dumps(value, ensure_ascii=False)
    text.encode("utf-8")  # half a surrogate pair is no text
    if re.search(r"(?<!\\)(\\\\)*\\u0000", text):
        raise ValueError("a text has a NUL")
    return value


def bytes_of(text):
    """Base64 with padding; exactly one text for some bytes."""
    if text is None:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Broken("no base64") from None
    if base64.b64encode(data).decode() != text:
        raise Broken("no base64")
    return data


def bytes_in(text):
    """Of a text that Reader.text gave, whose bytes may be no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def chain_of(text):
    if not isinstance(text, str) or not re.fullmatch("[0-9a-f]{64}", text):
        raise Broken("no chain value")
    return bytes.fromhex(text)


def is_number(value):
    return type(value) is int and -(1 << 63) <= value < 1 << 63  # True and 1.0 are none


def is_count(value):
    return is_number(value) and value >= 0


LINE_NAMES = ("offset", "time", "before", "key", "value", "sha256")
Line = collections.namedtuple("Line", "offset key value before sha256")
FOLLOWS, UNKNOWN = "follows", None


def parse_line(text):
    row = json_of(text)
    if not isinstance(row, dict) or not is_count(row.get("offset")) or not is_number(row.get("time")):
        raise Broken("no line")
    if "key" not in row or "value" not in row or not is_plain(text, row, LINE_NAMES):
        raise Broken("no line")
    before = FOLLOWS
    if "before" in row:
        before = UNKNOWN if row["before"] is None else chain_of(row["before"])
    return Line(row["offset"], bytes_of(row["key"]), bytes_of(row["value"]), before, row.get("sha256"))


class Export:
    def __init__(self, folder, faults):
        self.folder, self.faults = folder, faults
        try:
            text = (folder / "manifest.json").read_bytes()
        except OSError as error:
            raise Broken(f"there is no manifest.json in it: {error.strerror}") from None
        self.sha256 = hashlib.sha256(text).hexdigest()
        try:
            self.manifest = manifest_of(text)
        except (ValueError, RecursionError):
            raise Broken("its manifest is no JSON") from None
        self.check_head()
        self.names = set()
        for row in self.manifest["files"]:
            self.check_file(row)
        self.check_lanes()

    def check_head(self):
        manifest = self.manifest
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise Broken("its manifest is none")
        if not is_number(manifest.get("version")) or manifest["version"] != VERSION:
            raise Broken("its form is another one than this program knows")
        right = (is_count(manifest.get("lanes")) and 1 <= manifest["lanes"] <= 4096 and
                 isinstance(manifest.get("complete"), bool) and isinstance(manifest.get("journal"), list) and
                 isinstance(manifest.get("files"), list) and isinstance(manifest.get("schema"), str) and
                 isinstance(manifest.get("created"), str) and
                 isinstance(manifest.get("definitions"), dict) and
                 isinstance(manifest["definitions"].get("file"), str))
        if not right:
            raise Broken("its manifest lacks something")

    def check_file(self, row):
        name = row.get("name") if isinstance(row, dict) else None
        if not isinstance(name, str) or not name or name.startswith("/") or ".." in name or "sha256" not in row:
            self.faults.add("manifest", "it names a file without a name or a hash", file="manifest.json")
            return
        self.names.add(name)
        digest = hashlib.sha256()
        try:
            with (self.folder / name).open("rb") as file:
                while block := file.read(1 << 16):
                    digest.update(block)
        except OSError as error:
            self.faults.add("file", f"it is missing: {error.strerror}", file=name)
            return
        if digest.hexdigest() != row["sha256"]:
            self.faults.add("file", f"it is not as it was exported: its SHA-256 is {digest.hexdigest()}, the manifest "
                                    f"says {row['sha256']}", file=name)

    def is_lane(self, row, seen):
        def is_end(end):
            return end is None or (isinstance(end, dict) and is_count(end.get("offset")) and
                                   re.fullmatch("[0-9a-f]{64}", str(end.get("chain"))))
        return (isinstance(row, dict) and is_count(row.get("lane")) and row["lane"] < self.manifest["lanes"] and
                row["lane"] not in seen and row.get("file") in self.names and is_count(row.get("records")) and
                row.get("snapshots") in self.names | {None} and
                all(isinstance(row.get(name), bool) for name in ("complete", "cut", "toEnd")) and
                (not row["complete"] or (row["toEnd"] and not row["cut"])) and
                all(name in row and is_end(row[name]) for name in ("first", "last")))

    def check_lanes(self):
        self.lanes = []
        for number, row in enumerate(self.manifest["journal"], 1):
            if self.is_lane(row, {lane["lane"] for lane in self.lanes}):
                self.lanes.append(row)
            else:
                self.faults.add("manifest", f"what it says of lane number {number} in its list cannot be",
                                file="manifest.json")
        complete = sum(lane["complete"] for lane in self.lanes)
        if self.manifest["complete"] and complete != self.manifest["lanes"]:
            self.faults.add("manifest", f"it says that all {self.manifest['lanes']} lanes are complete, but that is so "
                                        f"of {complete}", file="manifest.json")

    def read_text(self, name):
        if name not in self.names:
            raise Broken(f"its manifest does not list {name}")
        try:
            return (self.folder / name).read_text("utf-8")
        except (OSError, ValueError):
            raise Broken(f"{name} cannot be read") from None

    def lines(self, name, lane=None):
        """The lines that are some; the others are named."""
        if name not in self.names:
            raise Broken(f"its manifest does not list {name}")
        last = -1
        try:
            file = (self.folder / name).open("rb")
        except OSError:
            return  # was named as missing
        with file:
            for number, text in enumerate(file, 1):
                try:
                    line = parse_line(text.rstrip(b"\n"))
                except (ValueError, RecursionError, Broken):
                    self.faults.add("line", f"line {number} is no record", file=name, lane=lane)
                    continue
                if line.offset <= last:
                    self.faults.add("order", f"line {number}: offset {line.offset} cannot come behind offset {last}",
                                    file=name, lane=lane)
                last = line.offset
                yield line


# ---- the chain ----

Link = collections.namedtuple("Link", "offset value")


def follows(value, before):
    return hashlib.sha256(before + value[:-32]).digest() == value[-32:]


class Chain:
    """A lane's chain, and what became of it where it is broken."""

    def __init__(self, lane, faults):
        self.lane, self.faults = lane, faults
        self.last = Link(-1, ZEROS)  # its value None: not known
        self.window = collections.deque([self.last], maxlen=WINDOW)
        self.held = None
        self.broken = False

    def tell(self, offset, saga, words):
        self.faults.add("chain", words, lane=self.lane, offset=offset, saga=saga)

    def go_to(self, link):
        self.window.append(link)
        self.last = link

    def leave_out(self, value):
        self.end()
        self.last = Link(-1, value)

    def end(self):
        if self.held:
            self.tell_open()
        self.held = None

    def tell_open(self):
        before, own, _, saga = self.held
        if before.offset < 0:
            words = ("it is not the record that the chain begins with: it was changed, or what stood before it was "
                     "taken out")
        else:
            words = (f"it does not follow on the record before it (offset {before.offset}): one of the two was changed, "
                     "or what stood between them was taken out")
        self.tell(own.offset, saga, words)

    def settle(self, following, value):
        before, own, held_value, saga = self.held
        if follows(value, before.value):
            self.held = None
            if follows(held_value, following.value):
                self.tell(own.offset, saga,
                          f"it and the record behind it (offset {following.offset}) have changed places")
                self.go_to(following)
                self.go_to(own)
            else:
                self.tell(own.offset, saga, f"it was put in: the record behind it (offset {following.offset}) was "
                                            "written behind the one before it")
                self.go_to(following)
            return True
        self.end()
        return False

    def take(self, offset, value, saga):
        own = Link(offset, value[-32:])
        if self.held and self.settle(own, value):
            return
        if self.last.value is None or follows(value, self.last.value):
            self.go_to(own)
            return
        self.broken = True
        before = next((link for link in self.window if follows(value, link.value)), None)
        same = next((link for link in self.window if link.value == own.value), None)
        if before and same:
            self.tell(offset, saga, f"it was put in: it is a copy of the record at offset {same.offset}")
            return
        if before:
            where = "as the first record" if before.offset < 0 else f"behind offset {before.offset}"
            self.tell(offset, saga, f"it was written {where}, not behind offset {self.last.offset}: what stands between "
                                    "was put in, or this record was moved")
        else:
            self.held = (self.last, own, value, saga)
        self.go_to(own)


# ---- anchors ----

def read_keys(paths):
    keys = {}
    for path in paths:
        try:
            text = pathlib.Path(path).read_text("ascii")
            body = re.search("-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", text, re.DOTALL)
            der = base64.b64decode(body[1])
        except (OSError, ValueError, TypeError) as error:
            raise Usage(f"{path} is no public key in PEM form: {error}") from None
        if len(der) != 44 or not der.startswith(ED25519_DER):
            raise Usage(f"{path} is no Ed25519 key")
        keys[hashlib.sha256(der).hexdigest()] = (path, der[-32:])
    return keys


def verify_signature(key, signature, text):
    path, raw = key
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return verify_with_openssl(path, signature, text)
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, text)
        return True
    except InvalidSignature:
        return False


def verify_with_openssl(path, signature, text):
    with tempfile.TemporaryDirectory() as folder:
        files = pathlib.Path(folder)
        (files / "text").write_bytes(text)
        (files / "signature").write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(path), "-rawin", "-in", str(files / "text"),
                   "-sigfile", str(files / "signature")]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError as error:
            raise Usage(f"neither the package cryptography nor openssl is there: {error}") from None


ANCHOR_NAMES = ("anchor", "lane", "journal", "offset", "chain", "time", "key", "signature")
Anchor = collections.namedtuple("Anchor", "lane offset line journal chain time key signature")


def parse_anchor(text, line):
    try:
        row = json_of(text)
        if not isinstance(row, dict):
            raise Broken("it is no JSON object")
        if not is_number(row.get("anchor")) or row["anchor"] != 1:
            raise Broken("it is no anchor, or of another form than this program knows")
        right = (is_count(row.get("lane")) and is_count(row.get("offset")) and
                 re.fullmatch("[0-9a-f]{32}", str(row.get("journal"))) and
                 re.fullmatch("[0-9a-f]{64}", str(row.get("key"))) and isinstance(row.get("time"), str) and
                 re.fullmatch(r"[0-9T:.Z+-]{1,31}", row["time"]))
        signature = bytes_of(row.get("signature"))
        if not right or not signature or len(signature) != 64 or not is_plain(text, row, ANCHOR_NAMES):
            raise Broken("it is no anchor")
        return Anchor(row["lane"], row["offset"], line, row["journal"], chain_of(row.get("chain")), row["time"],
                      row["key"], signature)
    except (ValueError, RecursionError):
        raise Broken("it is no JSON object") from None


def statement(anchor):
    return (f"saga-anchor-1\n{anchor.journal}\n{anchor.lane}\n{anchor.offset}\n{anchor.chain.hex()}\n{anchor.time}\n"
            f"{anchor.key}\n").encode()


class Anchors:
    def __init__(self, path, keys, faults):
        self.path, self.faults = str(path), faults
        self.held = self.outside = self.behind = self.repeated = 0
        anchors, seen = [], set()
        try:
            lines = pathlib.Path(path).read_bytes().split(b"\n")
        except OSError as error:
            raise Usage(f"{path} cannot be read: {error.strerror}") from None
        if len(lines) - (not lines[-1]) > ANCHORS_MAX:
            raise Usage(f"{path} has more than {ANCHORS_MAX} lines")
        for number, text in enumerate(lines, 1):
            if len(text) > ANCHOR_BYTES_MAX:
                self.refuse(number, "it is longer than any anchor")
                continue
            text = text.removesuffix(b"\r")
            if not text:
                continue
            if text in seen:
                self.repeated += 1
                continue
            seen.add(text)
            anchors += self.take_line(text, number, keys)
        self.anchors = sorted(anchors)
        for a, b in zip(self.anchors, self.anchors[1:]):
            if (a.lane, a.offset, a.journal) == (b.lane, b.offset, b.journal) and a.chain != b.chain:
                self.refuse(b.line, f"it says another chain value than line {a.line}, and both are signed: the journal "
                                    "was rewritten between them", b)

    def refuse(self, line, words, anchor=None):
        self.faults.add("anchor", f"line {line} is not to be believed: {words}", file=self.path,
                        lane=anchor and anchor.lane, offset=anchor and anchor.offset)

    def take_line(self, text, number, keys):
        try:
            anchor = parse_anchor(text, number)
        except Broken as broken:
            self.refuse(number, str(broken))
            return
        if anchor.key not in keys:
            self.refuse(number, f"it was signed with another key ({anchor.key[:16]}...) than was given", anchor)
        elif not verify_signature(keys[anchor.key], anchor.signature, statement(anchor)):
            self.refuse(number, "its signature is wrong: it was changed after it was signed", anchor)
        else:
            yield anchor

    def of_lane(self, lane):
        return collections.deque(anchor for anchor in self.anchors if anchor.lane == lane)


# ---- a lane ----

class Lane:
    """Proves the lines of one lane."""

    def __init__(self, export, row, records, definitions, anchors):
        self.export, self.row, self.number, self.faults = export, row, row["lane"], export.faults
        self.records, self.definitions, self.anchors = records, definitions, anchors
        self.ahead = anchors.of_lane(self.number) if anchors else collections.deque()
        self.chain = Chain(self.number, self.faults)
        self.journal = None
        # a record was read, or the lane's first ones are not there
        self.begun = row.get("snapshots") is not None
        self.sagas = {}  # id: (last sequence, run), or None where it was forgotten
        self.lines = self.gaps = 0
        self.first = self.last = {"offset": -1, "chain": ZEROS.hex()}
        self.anchored = None
        self.left_out = False

    def fault(self, kind, words, offset=None, saga=None, file=None):
        self.faults.add(kind, words, file=file, lane=self.number, offset=offset, saga=saga)

    def prove(self):
        for line in self.export.lines(self.row["file"], self.number):
            self.take(line)
        self.chain.end()
        self.end_anchors()
        self.compare_with_manifest()

    def take(self, line):
        if line.before is not FOLLOWS:
            self.gaps += 1
            self.left_out = True
            self.chain.leave_out(line.before)
            self.begun = self.begun or line.before != ZEROS
        record = None
        try:
            record = self.records.decode(line.value)
        except Broken as broken:
            self.fault("unreadable", str(broken), line.offset)
        if record:
            self.chain.take(line.offset, line.value, record["sagaId"])
            self.check_record(line, record)
        self.check_anchors(line.offset, record and line.value[-32:])
        self.left_out = False
        self.last = {"offset": line.offset, "chain": (self.chain.last.value or ZEROS).hex()}
        if self.lines == 0:
            self.first = self.last
        self.lines += 1

    def check_record(self, line, record):
        offset, begun, self.begun = line.offset, self.begun, True
        if (line.key or b"") != bytes_in(record["key"]):
            self.fault("key", "its key in Kafka is not the one that it says: who looks for its saga does not find it",
                       offset, record["sagaId"])
        if record["cause"]["kind"] == "lane":
            self.check_opening(offset, record, begun)
            return
        if not begun:
            self.fault("opening", "the journal begins with it, and not with the record that opens one", offset,
                       record["sagaId"])
        lane = murmur2(bytes_in(record["sagaId"].partition("/")[2])) % self.export.manifest["lanes"]
        if lane != self.number:
            self.fault("lane", f"it belongs to lane {lane}", offset, record["sagaId"])
        self.check_sequence(offset, record, "SagaForgotten" in [name for name, _ in record["facts"]])
        self.check_definition(offset, record)

    def check_opening(self, offset, record, begun):
        facts = record["facts"]
        opens = (len(facts) == 1 and facts[0][0] == "LaneOpened" and
                 re.fullmatch("[0-9a-f]{32}", facts[0][1]["text"]) is not None)
        if begun:
            self.fault("opening", "it opens a journal, and there is a record before it", offset)
        elif not opens:
            self.fault("opening", "it is of the kind that opens a journal, and does not", offset)
        elif facts[0][1]["lanes"] != self.export.manifest["lanes"]:
            self.fault("opening", "it opens a journal of another number of lanes", offset)
        if opens:
            self.journal = facts[0][1]["text"]

    def check_sequence(self, offset, record, forgotten):
        saga, sequence = record["sagaId"], record["sequence"]
        last = self.sagas.get(saga)
        if last:
            if sequence != last[0] + 1:
                self.fault("sequence", f"sequence {sequence} where {last[0] + 1} belongs", offset, saga)
            if record["run"] != last[1]:
                self.fault("sequence", f"run {record['run']} where {last[1]} belongs", offset, saga)
        elif sequence != 1 and (self.row["complete"] or saga in self.sagas):
            self.fault("sequence", f"sequence {sequence} where 1 belongs", offset, saga)
        self.check_begun_run(offset, record)
        self.sagas[saga] = None if forgotten else (sequence, record["run"])

    def check_begun_run(self, offset, record):
        cause = record["cause"]
        if cause["kind"] != "start" or not cause["run"] or not self.journal:
            return
        place = f"{self.journal}/{cause['topic']}/{cause['partition']}/{cause['offset']}"
        run = hashlib.sha256(bytes_in(place)).hexdigest()[:12]
        if cause["run"] != run:
            self.fault("sequence", f"it begins the run {cause['run']} where {run} belongs", offset, record["sagaId"])

    def check_definition(self, offset, record):
        if not record["sha256"]:
            if not re.match("[^/]*~[^/]*/", record["sagaId"]) or record["version"]:
                self.fault("definition", "it does not say by which definition this was decided", offset, record["sagaId"])
            return
        name = f"{record['definition']}/{record['version']}"
        found = self.definitions.get(name)
        if found != record["sha256"]:
            words = "has another content than when this was decided" if found else "is not to be had"
            self.fault("definition", f"definition {record['definition']} version {record['version']} {words}", offset,
                       record["sagaId"])

    # anchors

    def is_of_this_journal(self, anchor):
        if self.journal in (None, anchor.journal):
            return True
        self.fault("anchor", f"the anchor of {anchor.time} (line {anchor.line}) is of another journal "
                             f"({anchor.journal}) than this one ({self.journal})", anchor.offset)
        return False

    def compare_anchor(self, anchor, value):
        if not self.is_of_this_journal(anchor):
            return
        if value != anchor.chain:
            self.fault("anchor", f"the chain has another value here than when the anchor of {anchor.time} (line "
                                 f"{anchor.line}) was signed: what stands up to this record was changed since",
                       anchor.offset)
        elif self.chain.broken:
            self.anchors.behind += 1
        else:
            self.anchors.held += 1
            self.anchored = anchor.offset

    def check_anchors(self, offset, value):
        while self.ahead and self.ahead[0].offset <= offset:
            anchor = self.ahead.popleft()
            if anchor.offset == offset:
                self.compare_anchor(anchor, value)
            elif self.left_out:
                self.anchors.outside += 1
            else:
                self.fault("anchor", "there is no such record, but there was one when the anchor of "
                                     f"{anchor.time} (line {anchor.line}) was signed: it was taken out", anchor.offset)

    def end_anchors(self):
        for anchor in self.ahead:
            if not self.row["toEnd"]:
                self.anchors.outside += 1
            elif self.is_of_this_journal(anchor):
                self.fault("anchor", f"the journal ends before it (offset {self.last['offset']}), but when the anchor of "
                                     f"{anchor.time} (line {anchor.line}) was signed this record was there: the "
                                     "journal's end was cut off", anchor.offset)

    def compare_with_manifest(self):
        row, file = self.row, self.row["file"]
        none = {"offset": -1, "chain": ZEROS.hex()}
        if row["complete"] and self.gaps:
            self.fault("manifest", "the manifest calls it complete, but records were left out of it", file=file)
        if self.lines != row["records"]:
            self.fault("manifest", f"it has {self.lines} records, the manifest says {row['records']}", file=file)
        for name, found, verb in (("first", self.first, "begins"), ("last", self.last, "ends")):
            said = row[name] or none
            if (said["offset"], said["chain"]) != (found["offset"], found["chain"]):
                self.fault("manifest", f"it {verb} with offset {found['offset']}, the manifest says offset "
                                       f"{said['offset']}, or another chain value there", file=file)


# ---- all of it ----

def read_definitions(export):
    name = export.manifest["definitions"]["file"]
    definitions = {}
    for line in export.lines(name):
        key = (line.key or b"").decode("utf-8", "replace")
        digest = hashlib.sha256(line.value or b"").hexdigest()
        if line.sha256 != digest:
            export.faults.add("definition", f"{key} has another content than the SHA-256 beside it says", file=name,
                              offset=line.offset)
        definitions.setdefault(key, digest)
    return definitions


def read_anchors(arguments, export, faults):
    path = arguments.anchors
    if not path and arguments.key and "anchors.jsonl" in export.names:
        path = arguments.folder / "anchors.jsonl"
    if not path:
        return None
    if not arguments.key:
        raise Usage("anchors are only worth what the key is that has signed them: --key anchor.pub")
    return Anchors(path, read_keys(arguments.key), faults)


def verify(arguments, faults):
    export = Export(arguments.folder, faults)
    anchors = read_anchors(arguments, export, faults)
    try:
        records = Records(export.read_text(export.manifest["schema"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Broken(f"{export.manifest['schema']} is no Avro schema") from None
    definitions = read_definitions(export)
    lanes = [Lane(export, row, records, definitions, anchors) for row in export.lanes]
    for lane in lanes:
        lane.prove()
    if anchors:
        numbers = {lane.number for lane in lanes}
        anchors.outside += sum(anchor.lane not in numbers for anchor in anchors.anchors)
        if not anchors.held:
            faults.add("anchor", "none of its anchors holds here", file=anchors.path)
    if arguments.complete and not export.manifest["complete"]:
        faults.add("manifest", "it is not all of the journal, as --complete asks for", file="manifest.json")
    return export, lanes, anchors


def show(arguments, export, lanes, anchors, faults):
    records, gaps = sum(lane.lines for lane in lanes), sum(lane.gaps for lane in lanes)
    if arguments.output == "json":
        print(json.dumps({
            "verified": faults.count == 0, "complete": export.manifest["complete"], "manifestSha256": export.sha256,
            "records": records, "gaps": gaps, "anchorsGiven": anchors is not None,
            "lanes": [{"lane": lane.number, "records": lane.lines, "anchoredTo": lane.anchored} for lane in lanes],
            "faults": faults.count, "first": faults.rows}, indent=2))
        return
    print(printable(f"{export.folder}, exported {export.manifest.get('created')}, SHA-256 of the manifest "
                    f"{export.sha256}"))
    print(f"{records} {'record' if records == 1 else 'records'} of {len(lanes)} {'lane' if len(lanes) == 1 else 'lanes'}")
    if gaps:
        print(f"records were left out at {gaps} {'place' if gaps == 1 else 'places'}: the chain is not proved across")
    if anchors:
        places = [f"lane {lane.number} up to offset {lane.anchored}" for lane in lanes if lane.anchored is not None]
        print(f"{anchors.held} anchors hold: {', '.join(places) or 'no lane'}; {anchors.outside} of records that are not "
              f"here, {anchors.behind} behind a break of the chain, {anchors.repeated} there twice")
    else:
        print("not looked for, because only an anchor shows it: an end that was cut off, or a journal that was written "
              "anew as a whole (--anchors)")
    if not export.manifest["complete"]:
        print("it is NOT all of the journal: nothing is proved of what was left out")
    faults.show()
    if faults.count:
        print(f"NOT verified: {faults.count} {'fault' if faults.count == 1 else 'faults'}")
    else:
        print("verified: files are as exported, chain, sequences and definitions hold; nothing was decided again")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, metavar="DIR", help="what `saga audit export` wrote")
    parser.add_argument("--anchors", metavar="FILE", help="hold it against these; default: those in DIR, with a --key")
    parser.add_argument("--key", action="append", metavar="PUB", help="public key (PEM) of who signed the anchors")
    parser.add_argument("--complete", action="store_true", help="fail unless it is all of the journal")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    arguments = parser.parse_args()
    faults = Faults()
    try:
        show(arguments, *verify(arguments, faults), faults)
    except Usage as usage:
        print(f"verify-journal: {usage}", file=sys.stderr)
        return 2
    except Broken as broken:
        faults.show()
        print(f"verify-journal: {arguments.folder} cannot be read as an export: {broken}", file=sys.stderr)
        return 1
    return 1 if faults.count else 0


if __name__ == "__main__":
    sys.exit(main())
