"""Asks the API, and checks every request and every answer against coordinator/http/openapi.yaml."""
import json
import os
import re
import urllib.parse

import jsonschema
import yaml

from servers import ROOT, request

PATH = os.path.join(ROOT, "coordinator/http/openapi.yaml")


def seg(text):
    return urllib.parse.quote(text, safe="")


class Contract:
    def __init__(self):
        with open(PATH) as file:
            self.document = yaml.safe_load(file)
        self.resolver = jsonschema.RefResolver("", self.document)
        self.seen = set()  # (method, path, status)
        self.paths = []
        for path, item in self.document["paths"].items():
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
            self.paths.append((re.compile(pattern + "$"), path, item))
        # a path without a parameter goes before one that fits as well
        self.paths.sort(key=lambda entry: entry[1].count("{"))

    def resolve(self, node):
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def validate(self, instance, schema):
        jsonschema.Draft202012Validator(schema, resolver=self.resolver,
                                        format_checker=jsonschema.FormatChecker()).validate(instance)

    def operation(self, method, url):
        path = urllib.parse.urlsplit(url).path
        for pattern, name, item in self.paths:
            if pattern.match(path) and method.lower() in item:
                return name, item[method.lower()]
        raise AssertionError(f"the contract has no {method} {path}")

    def check(self, method, url, answer):
        name, operation = self.operation(method, url)
        self.seen.add((method, name, answer.status))
        responses = operation["responses"]
        assert str(answer.status) in responses or answer.status >= 400, f"{method} {name} gave {answer}"
        response = self.resolve(responses.get(str(answer.status), responses["default"]))
        main = answer.headers.get("Content-Type", "").split(";")[0]
        assert main in response["content"], f"{method} {name} gave {main}: {answer}"
        for header in response.get("headers", {}):
            assert header in answer.headers, f"{method} {name} lacks the header {header}"
        schema = response["content"][main].get("schema", {})
        if main.endswith("json"):
            self.validate(answer.json, schema)
        elif main == "application/jsonl":
            for line in answer.body.splitlines():
                self.validate(json.loads(line), schema)

    def check_body(self, method, url, body):
        content = self.resolve(self.operation(method, url)[1]["requestBody"])["content"]
        if "application/json" in content and not isinstance(body, (str, bytes)):
            self.validate(body, content["application/json"]["schema"])


class Client:
    """`wrong`: the request is not one that the contract has, so only the answer is checked."""

    def __init__(self, base, contract, token=None, context=None):
        self.base, self.contract, self.token, self.context = base, contract, token, context

    def ask(self, method, path, body=None, wrong=False, **options):
        if body is not None and not wrong:
            self.contract.check_body(method, path, body)
        options.setdefault("token", self.token)
        answer = request(self.base + path, method, body, context=self.context, **options)
        self.contract.check(method, path, answer)
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body, **options):
        return self.ask("POST", path, body, **options)
