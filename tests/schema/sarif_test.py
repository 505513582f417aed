"""What `saga check -o sarif` writes is SARIF 2.1.0: of every example of `saga explain`, in a file of a name that a URI must
escape, and of an exploration.

Without SCHEMA this looks at what a build server goes by: rules that are there, places that begin with 1. With it the whole
is validated: sarif-schema-2.1.0.json of the standard, which may not be kept here (it is OASIS's, and not under a free
licence), from https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/.

Usage: sarif_test.py SAGA REPOSITORY [SCHEMA]
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

import jsonschema


def problems(document, arguments):
    run = document["runs"][0]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        if result["ruleId"] not in rules:
            yield f"{result['ruleId']} is no rule"
        place = result["locations"][0]["physicalLocation"]
        path = urllib.parse.unquote(place["artifactLocation"]["uri"])
        if path not in arguments:
            yield f"{path} is no file that was checked"
        region = place.get("region", {"startLine": 1, "startColumn": 1, "endColumn": 2})
        if not (region["startLine"] >= 1 and 1 <= region["startColumn"] < region["endColumn"]):
            yield f"{result['ruleId']} is at {region}"


def main():
    saga, repository = sys.argv[1], pathlib.Path(sys.argv[2])
    validator = None
    if len(sys.argv) > 3:
        schema = json.loads(pathlib.Path(sys.argv[3]).read_text())
        validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    explained = json.loads(subprocess.run([saga, "explain", "-o", "json"], capture_output=True, check=True).stdout)
    bad = found = 0
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for row in explained:
            if row.get("wrong"):
                path = pathlib.Path(folder) / f"{row['code']} \u00e4 %.yaml"
                path.write_text(row["wrong"])
                files.append(str(path))
        calls = [files, [folder + "/missing.yaml"],
                 ["--explore", "--max-states", "5", str(repository / "sagas/order-fulfilment.yaml")]]
        for arguments in calls:
            done = subprocess.run([saga, "check", "-o", "sarif", *arguments], capture_output=True, check=False)
            document = json.loads(done.stdout)
            found += len(document["runs"][0]["results"])
            errors = list(problems(document, arguments))
            if validator:
                errors += [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]
            for error in errors:
                bad += 1
                print(error)
    print(f"{found} findings, {bad} problems")
    sys.exit(1 if bad or found < len(explained) else 0)


main()
