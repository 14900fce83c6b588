"""A server that is told which addresses and messaging services are the account's own refuses the others."""

import json

import pytest
from harness import databases, process
from harness.clients import client, path_of, refused
from harness.raw import call

OURS, WHATSAPP, SHORT = "+15017122661", "whatsapp:+15017122662", "12345"
SERVICE, OTHER = "MG" + "0123456789abcdef" * 2, "MG" + "0" * 32
STRANGER = "+19998887777"
LISTS = {"TERTULIA_SENDERS": f"{OURS}, {WHATSAPP},{SHORT}", "TERTULIA_MESSAGING_SERVICES": SERVICE}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def listed(request, tmp_path_factory):
    """A server with lists, on either database."""
    if request.config.getoption("--engine") not in (None, request.param):
        pytest.skip("another database was chosen")
    data = tmp_path_factory.mktemp("listed") / "data"
    if request.param == "sqlite":
        server = process.start(data, variables=LISTS)
        yield server
        server.stop()
    else:
        with databases.database() as url:
            server = process.start(data, database=url, variables=LISTS, engine="postgres")
            yield server
            server.stop()


@pytest.fixture(params=["short", "long"])
def conversations(request, listed):
    """Conversations in both forms of the API."""
    v1 = client(listed).conversations.v1
    return v1.conversations if request.param == "short" else v1.services(v1.services.list()[0].sid).conversations


def binding(**addresses):
    return {f"messaging_binding_{name}": value for name, value in addresses.items()}


def test_participants(conversations, phone):
    participants = conversations(conversations.create().sid).participants
    for status, code, addresses in (
        (403, 50413, {"address": phone(), "proxy_address": STRANGER}),
        (403, 50413, {"address": phone(), "proxy_address": "54321"}),
        (400, 50415, {"address": f"whatsapp:{phone()}", "proxy_address": f"whatsapp:{OURS}"}),
        (403, 50439, {"projected_address": STRANGER}),
    ):
        with refused(status, code):
            participants.create(**binding(**addresses))
    for addresses in (
        {"address": phone(), "proxy_address": OURS},
        {"address": phone(), "proxy_address": SHORT},
        {"address": f"whatsapp:{phone()}", "proxy_address": WHATSAPP},
    ):
        made = participants.create(**binding(**addresses))
        assert made.messaging_binding.items() >= addresses.items()
    chat = participants.create(identity="alice")
    with refused(403, 50439):
        participants(chat.sid).update(**binding(projected_address=STRANGER))
    assert len(participants.list()) == 4


def test_messaging_services(listed, conversations):
    default = conversations.create().messaging_service_sid
    assert default not in (SERVICE, OTHER)
    assert conversations.create(messaging_service_sid=SERVICE).messaging_service_sid == SERVICE
    with refused(400, 50342):
        conversations.create(messaging_service_sid=OTHER)
    made = conversations.create()
    with refused(400, 50342):
        conversations(made.sid).update(messaging_service_sid=OTHER)
    assert conversations(made.sid).update(messaging_service_sid=default).messaging_service_sid == default
    with refused(400, 50342):
        client(listed).conversations.v1.configuration().update(default_messaging_service_sid=OTHER)


def test_address_configurations(listed):
    addresses = client(listed).conversations.v1.address_configurations
    with refused(403, 50413):
        addresses.create(type="sms", address=STRANGER)
    with refused(400, 50415):
        addresses.create(type="whatsapp", address=f"whatsapp:{OURS}")
    made = addresses.create(type="sms", address=OURS)
    assert path_of(made.url) == f"/v1/Configuration/Addresses/{made.sid}"
    addresses(OURS).delete()


def test_another_account_has_lists_of_its_own(listed, phone):
    token = json.loads((listed.data / "server.json").read_text())["admin_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    accounts = "/tertulia/v1/Accounts"
    other = call(listed, "POST", accounts, {"Senders": STRANGER}, credentials=False, headers=bearer)
    assert other["senders"] == [STRANGER] and other["messaging_service_sids"] is None
    v1 = client(listed, other["sid"], other["auth_token"]).conversations.v1
    participants = v1.conversations(v1.conversations.create(messaging_service_sid=OTHER).sid).participants
    assert participants.create(**binding(address=phone(), proxy_address=STRANGER)).sid
    with refused(403, 50413):
        participants.create(**binding(address=phone(), proxy_address=OURS))
    lifted = call(listed, "POST", f"{accounts}/{other['sid']}", {"Senders": ""}, credentials=False, headers=bearer)
    assert lifted["senders"] is None
    assert participants.create(**binding(address=phone(), proxy_address=OURS)).sid


def test_a_list_stays_with_the_account(tmp_path, phone):
    data = tmp_path / "data"
    for variables, expected in (({}, 201), (LISTS, 403), ({}, 403), ({"TERTULIA_SENDERS": STRANGER}, 201)):
        server = process.start(data, variables=variables)
        try:
            path = f"/v1/Conversations/{call(server, 'POST', '/v1/Conversations', {})['sid']}/Participants"
            form = {"MessagingBinding.Address": phone(), "MessagingBinding.ProxyAddress": STRANGER}
            assert call(server, "POST", path, form).status == expected, variables
        finally:
            server.stop()


@pytest.mark.parametrize("variables", [
    {"TERTULIA_SENDERS": f"{OURS},nobody"}, {"TERTULIA_SENDERS": ","}, {"TERTULIA_MESSAGING_SERVICES": "MG1"},
])
def test_a_list_that_cannot_be_is_told(tmp_path, variables):
    ran = process.run("serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", variables=variables)
    assert ran.returncode == 2 and "account." in ran.stderr, ran.stderr
