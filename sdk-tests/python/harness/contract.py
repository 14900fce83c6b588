"""Judges every answer by the public description of the API, which the npm package @twilio/cli-core carries.

A success must be a status that its operation declares, with a body that has every property of the operation's
schema and no other; so it must by the server's own description (``description``). A refusal must have exactly four
keys. No answer may be a 5xx. What was seen to hold is remembered by operation, so that a test can ask whether all of
them were judged.
"""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from harness import description as own
from harness.process import ROOT

DESCRIPTION = (
    ROOT / "sdk-tests/node/node_modules/@twilio/cli-core/src/services/twilio-api/twilio_conversations_v1.json"
)
WHOLE_SECONDS = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
ABSOLUTE = r"^https?://[^/]+/"

# What the description forgets to call nullable.
FORGOTTEN_NULLABLES = {
    "service_webhook_configuration": {"method"},
    "configuration_webhook": {"method", "target"},
    "conversation_message_receipt": {"status", "error_code"},
    "service_conversation_message_receipt": {"status", "error_code"},
}

# The members of `links`, which the description leaves open; a resource that is not here has none.
LINKS = {
    "conversation": {"participants", "messages", "webhooks", "export"},
    "conversation_message": {"delivery_receipts", "channel_metadata"},
    "user": {"user_conversations"},
    "user_conversation": {"participant", "conversation"},
    "service": {
        "conversations", "users", "roles", "bindings", "configuration", "participant_conversations",
        "conversation_with_participants",
    },
    "service_configuration": {"notifications", "webhooks"},
    "configuration": {"service", "webhooks"},
    "conversation_with_participants": {"participants", "messages", "webhooks"},
    "participant_conversation": {"participant", "conversation"},
}

# What a message tells of each of its files; the description leaves it open.
MEDIA = {
    "type": "object",
    "properties": {
        "sid": {"type": "string", "pattern": "^ME[0-9a-f]{32}$"},
        "size": {"type": "integer", "minimum": 0},
        "content_type": {"type": "string"},
        "filename": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "category": {"enum": ["media", "body", "history"]},
    },
    "required": ["sid", "size", "content_type", "filename", "category"],
    "additionalProperties": False,
}

seen = set()


@cache
def description():
    return json.loads(Path(DESCRIPTION).read_text())


def convert(node, owner=None):
    """OpenAPI 3.0 as JSON Schema: references, nullables, formats, and objects closed with all they declare."""
    if isinstance(node, list):
        return [convert(item, owner) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": "#/$defs/" + node["$ref"].rsplit("/", 1)[1]}
    schema = {}
    for key in ("type", "enum", "pattern", "minLength", "maxLength"):
        if key in node:
            schema[key] = node[key]
    if node.get("format") == "date-time":
        schema["pattern"] = WHOLE_SECONDS
    if node.get("format") == "uri":
        schema["pattern"] = ABSOLUTE
    if node.get("format") == "uri-map":
        names = LINKS.get(owner, LINKS.get((owner or "").removeprefix("service_"), set()))
        schema |= {"required": sorted(names), "additionalProperties": False}
        schema["properties"] = {name: {"type": "string", "pattern": ABSOLUTE} for name in names}
    if node.get("items"):
        schema["items"] = convert(node["items"], owner)
    if "properties" in node:
        forgotten = FORGOTTEN_NULLABLES.get(owner, set())
        properties = {}
        for name, value in node["properties"].items():
            properties[name] = convert(value, owner)
            if name == "media" and (owner or "").endswith("conversation_message"):
                files = {"type": "array", "items": MEDIA, "minItems": 1}
                properties[name] = {"anyOf": [files, {"type": "null"}]}
            if name in forgotten and not value.get("nullable"):
                properties[name] = {"anyOf": [properties[name], {"type": "null"}]}
        schema |= {"properties": properties, "required": sorted(properties), "additionalProperties": False}
    if node.get("nullable") and schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


@cache
def definitions():
    schemas = description()["components"]["schemas"]
    return {name: convert(schema, name.rsplit(".", 1)[-1]) for name, schema in schemas.items()}


@cache
def operations():
    """Every operation as (method, pattern of the path, path, id, {status: validator or None})."""
    table = []
    for path, methods in description()["paths"].items():
        pattern = re.compile("^" + re.sub(r"\{[A-Za-z]+\}", "[^/]+", path) + "$")
        for method, operation in methods.items():
            if method not in ("get", "post", "delete"):
                continue
            answers = {}
            for status, answer in operation["responses"].items():
                content = answer.get("content", {}).get("application/json")
                answers[int(status)] = validator(content["schema"]) if content else None
            table.append((method.upper(), pattern, path, operation["operationId"], answers))
    return sorted(table, key=lambda row: row[2].count("{"))


def validator(schema):
    converted = convert(schema)
    if converted.get("type") == "object":  # A page: its list and its meta.
        converted |= {"required": sorted(converted["properties"]), "additionalProperties": False}
    return Draft202012Validator({**converted, "$defs": definitions()})


def operation_of(method, path):
    for candidate, pattern, _, identifier, answers in operations():
        if candidate == method.upper() and pattern.match(path):
            return identifier, answers
    return None, {}


def check(method, url, status, headers, text):
    """Fails unless this answer keeps to the description."""
    path = urlsplit(url).path
    told = f"{method} {url} -> {status} {text[:2000]}"
    assert status < 500, f"the server failed: {told}"
    headers = {name.lower(): value for name, value in headers.items()}
    if not path.startswith("/v1/") or method.upper() in ("OPTIONS", "HEAD"):
        return
    assert re.fullmatch(r"RQ[0-9a-f]{32}", headers.get("twilio-request-id", "")), f"no request id: {told}"
    if status == 204:
        assert text == "", f"a 204 has no body: {told}"
    else:
        kind = headers.get("content-type", "").replace(" ", "").lower()
        assert kind == "application/json;charset=utf-8", f"content type {kind!r}: {told}"
    own.check(method, url, status, text, told)
    if status >= 400:
        check_problem(status, json.loads(text), told)
        return
    identifier, answers = operation_of(method, path)
    assert identifier, f"no operation of the description: {told}"
    assert status in answers, f"{identifier} does not declare this status: {told}"
    if answers[status] is not None:
        errors = [f"{e.json_path}: {e.message}" for e in answers[status].iter_errors(json.loads(text))]
        assert not errors, f"{identifier}: {'; '.join(errors)}: {told}"
    seen.add(identifier)


def check_problem(status, body, told=""):
    """A refusal: code, message, more_info and status, and nothing else."""
    assert set(body) == {"code", "message", "more_info", "status"}, told
    assert isinstance(body["code"], int) and body["status"] == status, told
    assert isinstance(body["message"], str) and body["message"], told
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{body['code']}", told
