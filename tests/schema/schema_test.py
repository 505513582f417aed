"""sagas/saga.schema.json and the loader judge alike: editors go by the one, the coordinator by the other.

Every example of `saga explain` is given to both, and the definitions of the repository, and each of these with every
field taken out, given a value of another kind, or put beside an unknown one. What only the loader can see (a schema
knows nothing of expressions, of other fields, or of the way back) is listed by its code.

Usage: schema_test.py SAGA REPOSITORY
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import ruamel.yaml

# Findings that a schema cannot have.
LOADER_ONLY = {
    "SG002", "SG104", "SG105", "SG109", "SG111", "SG112", "SG201", "SG202", "SG203", "SG204", "SG205", "SG301", "SG302",
    "SG303", "SG305", "SG306", "SG307", "SG308", "SG309", "SG310", "SG401", "SG402", "SG403", "SG602", "SG701",
    "SG702", "SG704", "SG801", "SG901", "SG902",
}


class Judges:
    def __init__(self, saga, repository):
        self.saga = saga
        self.schema = json.loads((repository / "sagas/saga.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(self.schema)
        self.validator = jsonschema.Draft7Validator(self.schema)
        self.folder = tempfile.TemporaryDirectory()
        self.judged = 0
        self.bad = 0

    def judge_examples(self):
        """What the schema shows of a block must be one."""
        definitions = self.schema["definitions"]
        for name, definition in definitions.items():
            validator = jsonschema.Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})
            for example in definition.get("examples", ()):
                for error in validator.iter_errors(example):
                    self.bad += 1
                    print(f"the example of {name}: {error.message}")

    def loader_codes(self, text):
        path = pathlib.Path(self.folder.name) / f"{threading.get_ident()}.yaml"
        path.write_text(text)
        done = subprocess.run([self.saga, "check", "-o", "json", str(path)], capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not done.stdout:
            raise SystemExit(f"saga check ends with {done.returncode}: {done.stderr}\n{text}")
        return {row["code"] for row in json.loads(done.stdout) if row["severity"] == "error"}

    def judge(self, what, text):
        """Both must say yes, or both no; the loader alone only by what it alone can see."""
        codes = self.loader_codes(text)
        try:
            document = ruamel.yaml.YAML(typ="safe", pure=True).load(text)
        except ruamel.yaml.error.YAMLError:
            document = None
        if "SG001" in codes or "SG110" in codes:
            return  # no document that a schema could judge
        errors = [error.message for error in self.validator.iter_errors(document)]
        self.judged += 1
        expected = bool(codes - LOADER_ONLY)
        if expected == bool(errors):
            return
        self.bad += 1
        print(f"{what}: the loader finds {sorted(codes) or 'nothing'}, the schema {errors[:3] or 'nothing'}:\n{text}\n")


def dump(document):
    return json.dumps(document, indent=1)  # JSON is YAML


def plain(value):
    """The same with paths for the expressions that compute: libjq takes long to begin, and nothing here depends on it."""
    if isinstance(value, dict):
        return {key: plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [plain(below) for below in value]
    computes = isinstance(value, str) and any(c in value for c in "|()><=?")
    return ".input.plain" if computes else value


def places(value, path=()):
    """Every member and element below a value, as paths."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield path + (key,)
        yield from places(below, path + (key,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changed(document):
    """The document with one thing changed, each in turn."""
    for path in list(places(document)):
        for name, value in (("a list", [1]), ("an empty list", []), ("a mapping", {"x-y": 1}), ("an empty text", ""),
                            ("nothing", None), ("a number", 7), ("a truth", True)):
            other = copy.deepcopy(document)
            at(other, path[:-1])[path[-1]] = value
            yield f"{path} as {name}", other
        value = at(document, path)
        if value and isinstance(value, list) and all(isinstance(item, str) for item in value):
            other = copy.deepcopy(document)
            at(other, path).append(value[0])
            yield f"{path} with its first twice", other
        if isinstance(value, (int, bool)):
            other = copy.deepcopy(document)
            at(other, path[:-1])[path[-1]] = json.dumps(value)
            yield f"{path} in quotes", other
        if isinstance(path[-1], str):
            other = copy.deepcopy(document)
            del at(other, path[:-1])[path[-1]]
            yield f"{path} taken out", other
        if isinstance(value, dict) and path != ("participants",) and path != ("search",):
            other = copy.deepcopy(document)
            at(other, path)["unknown-field"] = 1
            yield f"{path} with an unknown field", other


def main():
    judges = Judges(sys.argv[1], pathlib.Path(sys.argv[2]))
    judges.judge_examples()
    explained = subprocess.run([judges.saga, "explain", "-o", "json"], capture_output=True, text=True, check=True)
    for row in json.loads(explained.stdout):
        for form in ("wrong", "right"):
            if row[form]:
                judges.judge(f"{row['code']} {form}", row[form])
    for path in sorted(judges_files(pathlib.Path(sys.argv[2]))):
        text = path.read_text()
        judges.judge(path.name, text)
        document = plain(ruamel.yaml.YAML(typ="safe", pure=True).load(text))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda change, name=path.name: judges.judge(f"{name}: {change[0]}", dump(change[1])),
                          changed(document)))
    print(f"{judges.judged} definitions judged, {judges.bad} differently")
    sys.exit(1 if judges.bad or judges.judged < 100 else 0)


def judges_files(repository):
    yield from (path for path in repository.glob("sagas/*.yaml") if not path.name.endswith(".test.yaml"))
    yield from repository.glob("tests/simulation/sagas/purchase.yaml")


main()
