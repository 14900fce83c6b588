"""Drives the server by its own description: schemathesis makes requests of every operation, sensible and not.

Whatever is asked, the answer must be one that the description declares: no server error, a declared status, content
type, headers and body. Nothing is random: a seed, which is printed, decides (``TERTULIA_TEST_FUZZ_SEED``). Each
operation is asked ``TERTULIA_TEST_FUZZ_EXAMPLES`` times in either mood, many more in the soak, and there on
PostgreSQL too. The server is one of the test's own, since nothing there is safe from it.
"""

import json
import os
import random
import re
from collections import Counter, defaultdict

import hypothesis
import pytest
import requests
import schemathesis
from harness import databases, process
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

SEED = int(os.environ.get("TERTULIA_TEST_FUZZ_SEED", "1"))
EXAMPLES = int(os.environ.get("TERTULIA_TEST_FUZZ_EXAMPLES", "0")) or (
    60 if os.environ.get("TERTULIA_TEST_SOAK") else 4
)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]
# Devices register themselves, so there is none to be fetched or removed.
OUT_OF_REACH = {"FetchServiceBinding", "DeleteServiceBinding"}

# What our formats look like.
schemathesis.openapi.format("json", st.dictionaries(st.text(max_size=5), st.integers(), max_size=3).map(json.dumps))
schemathesis.openapi.format("participant", st.builds(
    lambda name: json.dumps({"identity": name}), st.text(st.characters(codec="ascii"), min_size=1, max_size=9)
))
schemathesis.openapi.format("duration", st.builds("PT{}H".format, st.integers(0, 10**6)))
schemathesis.openapi.format("address", st.builds("{}+1{}".format, st.sampled_from(["", "whatsapp:"]),
                                                st.integers(10**9, 10**11)))
schemathesis.openapi.format("uri", st.builds("https://example.com/{}".format, st.integers()))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.soak)])
def own_server(request, tmp_path):
    if request.config.getoption("engine") not in (None, request.param):
        pytest.skip("another database was asked for")
    if request.param == "sqlite":
        running = process.start(tmp_path / "data")
        yield running
        running.stop()
    else:
        with databases.database() as url:
            running = process.start(tmp_path / "data", database=url, engine="postgres")
            yield running
            running.stop()


class Worlds:
    """Things that are there, so that paths lead to something: one of each, by every name that it has, in either form
    of the API. What was removed is made again."""

    def __init__(self, session, url):
        self.session, self.url = session, url
        self.worlds, self.count = {}, 0

    def get(self, is_long):
        if is_long not in self.worlds:
            self.worlds[is_long] = self.world(is_long)
        return self.worlds[is_long]

    def end(self, is_long):
        self.worlds.pop(is_long, None)

    def world(self, is_long):
        self.count += 1
        name, phone = f"world-{self.count}", f"+1{10**10 + self.count}"
        service = self.make("/v1/Services", FriendlyName=name)["sid"]
        prefix = f"/v1/Services/{service}" if is_long else "/v1"
        conversation = self.make(f"{prefix}/Conversations", UniqueName=name)
        below = f"{prefix}/Conversations/{conversation['sid']}"
        participant = self.make(f"{below}/Participants", Identity=name)
        address = {"MessagingBinding.Address": phone, "MessagingBinding.ProxyAddress": "+15017122661"}
        self.make(f"{below}/Participants", **address)
        message = self.make(f"{below}/Messages", Author=name, Body="Hello")
        receipt = self.read(f"{below}/Messages/{message['sid']}/Receipts")["delivery_receipts"][0]
        role = self.make(f"{prefix}/Roles", FriendlyName=name, Type="service", Permission="joinConversation")
        webhook = self.make(f"{below}/Webhooks", Target="studio", **{"Configuration.FlowSid": "FW" + "0" * 32})
        credential = self.make("/v1/Credentials", Type="fcm", Secret="a secret")
        configured = self.make("/v1/Configuration/Addresses", Type="sms", Address=phone)
        return {
            "ServiceSid": [service],
            "ChatServiceSid": [service],
            "ConversationSid": [conversation["sid"], name],
            "ParticipantSid": [participant["sid"], name],
            "MessageSid": [message["sid"]],
            "ReceiptSid": [receipt["sid"]],
            "WebhookSid": [webhook["sid"]],
            "UserSid": [self.read(f"{prefix}/Users/{name}")["sid"], name],
            "RoleSid": [role["sid"]],
            "CredentialSid": [credential["sid"]],
            "AddressSid": [configured["sid"], phone],
            "BindingSid": ["BS" + "0" * 32],
        }

    def make(self, path, **form):
        response = self.session.post(self.url + path, data=form, timeout=30)
        assert response.status_code == 201, response.text
        return response.json()

    def read(self, path):
        response = self.session.get(self.url + path, timeout=30)
        assert response.status_code == 200, response.text
        return response.json()


def test_every_answer_is_one_that_is_described(own_server):
    print(f"seed {SEED}, {EXAMPLES} examples of each mood for each operation")
    session = requests.Session()
    session.auth = own_server.credentials
    description = schemathesis.openapi.from_url(f"{own_server.url}/openapi.json")
    told = defaultdict(Counter)
    worlds = Worlds(session, own_server.url)
    for result in description.get_all_operations():
        drive(result.ok(), worlds, told)
    for name, statuses in told.items():
        print(name, dict(sorted(statuses.items())))
    # Those of the public description, and an older path of two of them.
    assert len(told) == 103 + 2


def drive(operation, worlds, told):
    """Asks for one operation again and again, of things that are there as a rule."""
    name = operation.definition.raw["operationId"]
    is_long = "{ChatServiceSid}" in operation.path
    chance = random.Random(f"{SEED} {name}")

    def ask(case, always=False):
        names = worlds.get(is_long)
        for parameter in case.path_parameters:
            if always or chance.random() < 0.9:
                case.path_parameters[parameter] = chance.choice(names[parameter])
        if isinstance(case.body, dict) and "RoleSid" in case.body:
            case.body["RoleSid"] = names["RoleSid"][0]
        case.headers.pop("Authorization", None)
        response = case.call(session=worlds.session)
        told[name][response.status_code] += 1
        if case.method == "DELETE" and response.status_code == 204:
            worlds.end(is_long)
        case.validate_response(response, checks=CHECKS, transport_kwargs={"session": worlds.session})
        return response.status_code

    nobody = sensible(operation).call()
    assert nobody.status_code == 401, f"{name} asks for no credentials"
    sensible(operation).validate_response(nobody, checks=CHECKS)

    for example in examples(operation):
        status = ask(sensible(operation, **example), always=True)
        is_done = status < 300 or status == 409
        assert is_done or name in OUT_OF_REACH, f"{name} answers {status} to {example}"

    for mood in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mood))
        def many(case):
            ask(case)

        try:
            many()
        except hypothesis.errors.Unsatisfiable:
            pass  # What takes nothing has nothing that could be wrong.
    if operation.method != "get":
        worlds.end(is_long)


def sensible(operation, **values):
    """A request of this operation, but for the names in its path."""
    names = re.findall(r"\{([A-Za-z]+)\}", operation.path)
    return operation.Case(path_parameters=dict.fromkeys(names, "nothing"), **values)


def examples(operation):
    """What the description says would be done: its example forms, or nothing but the path."""
    if operation.path.endswith("/ParticipantConversations"):
        return [{"query": {"Identity": "alice"}}]
    kind = "application/x-www-form-urlencoded"
    told = operation.definition.raw.get("requestBody", {}).get("content", {}).get(kind, {}).get("examples", {})
    return [{"body": example["value"], "media_type": kind} for example in told.values()] or [{}]
