"""Judges every answer by the server's own description, ``GET /openapi.json``.

Its statuses must be declared, and its body must have every property of the schema, of the right kind, and no other:
the schemas are closed.
"""

import json
import re
import urllib.request
from functools import cache
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator


def fetch(base):
    """The description that the server at ``base`` gives."""
    with urllib.request.urlopen(f"{base}/openapi.json", timeout=30) as response:
        return json.load(response)


_known = {}


def learn(base):
    """Reads the description of the first server that is started: all are the same program."""
    if not _known:
        _known.update(fetch(base))


@cache
def _patterns(paths):
    pattern = lambda path: re.compile("^" + re.sub(r"\{[A-Za-z]+\}", "[^/]+", path) + "$")
    return sorted(((pattern(path), path) for path in paths), key=lambda row: row[1].count("{"))


def _operation(known, method, path):
    for pattern, template in _patterns(tuple(known["paths"])):
        operation = known["paths"][template].get(method.lower())
        if operation and pattern.match(path):
            return operation
    return None


def resolved(known, node):
    """What a reference leads to."""
    while "$ref" in node:
        target = known
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


@cache
def _validator(name):
    return Draft202012Validator({"$ref": name, "components": _known["components"]})


def check(method, url, status, text, told):
    """Fails unless this answer keeps to the description."""
    operation = _operation(_known, method, urlsplit(url).path)
    if not operation:
        return
    identifier = operation["operationId"]
    assert str(status) in operation["responses"], f"{identifier} does not declare this status: {told}"
    content = resolved(_known, operation["responses"][str(status)]).get("content")
    if content:
        schema = content["application/json"]["schema"]["$ref"]
        errors = [f"{e.json_path}: {e.message}" for e in _validator(schema).iter_errors(json.loads(text))]
        assert not errors, f"our own description of {identifier}: {'; '.join(errors)}: {told}"
