"""Accounts and their API keys as clients of the API of 2010 find them: what ``twilio login`` does."""

from datetime import datetime, timezone

import pytest
from harness import process
from harness.clients import CheckedHttpClient, refused
from harness.raw import call
from twilio.rest import Client

pytestmark = pytest.mark.both

ADMIN = "an-admin-token-of-some-length"


def neighbour(server, username=None, password=None, account=None):
    """The official client whose address of the API of 2010 is the server's."""
    account = account or server.account_sid
    made = Client(
        username or account, password or server.auth_token, account, http_client=CheckedHttpClient(timeout=30)
    )
    made.api.base_url = made.conversations.base_url = server.url
    return made


@pytest.fixture
def twilio_2010(server):
    return neighbour(server)


def test_an_account_is_looked_up(server, twilio_2010):
    account = twilio_2010.api.accounts(server.account_sid).fetch()
    assert (account.sid, account.status, account.type) == (server.account_sid, "active", "Full")
    assert account.auth_token == server.auth_token and account.owner_account_sid == server.account_sid
    assert isinstance(account.date_created, datetime) and account.date_created <= datetime.now(timezone.utc)
    assert account.uri == f"/2010-04-01/Accounts/{server.account_sid}.json"
    assert account.subresource_uris == {"keys": f"/2010-04-01/Accounts/{server.account_sid}/Keys.json"}
    with refused(404, 20404):
        twilio_2010.api.accounts("AC" + "0" * 32).fetch()


def test_what_logging_in_does(server, twilio_2010, name):
    """Look the account up, make a key, and go on with the key alone."""
    assert twilio_2010.api.accounts(server.account_sid).fetch().sid == server.account_sid
    key = twilio_2010.new_keys.create(friendly_name=name("twilio-cli on"))
    with_key = neighbour(server, key.sid, key.secret)
    conversation = with_key.conversations.v1.conversations.create(friendly_name="made with a key")
    assert conversation.account_sid == server.account_sid
    assert with_key.api.accounts(server.account_sid).fetch().auth_token is None
    with refused(403, 20006):
        with_key.new_keys.create()

    assert twilio_2010.keys(key.sid).delete() is True
    with refused(401, 20003):
        with_key.conversations.v1.conversations.create()


def test_keys(twilio_2010, name):
    word = name("key")
    key = twilio_2010.new_keys.create(friendly_name=word)
    assert len(key.secret) >= 32 and key.sid.startswith("SK")
    fetched = twilio_2010.keys(key.sid).fetch()
    assert fetched.friendly_name == word and not hasattr(fetched, "secret")
    assert fetched.date_created == fetched.date_updated == key.date_created
    assert twilio_2010.keys(key.sid).update(friendly_name=word + "!").friendly_name == word + "!"
    assert twilio_2010.keys(key.sid).delete() is True
    with refused(404, 20404):
        twilio_2010.keys(key.sid).fetch()


def test_pages_of_keys(twilio_2010, name):
    word = name("page")
    made = [twilio_2010.new_keys.create(friendly_name=word).sid for _ in range(5)]
    listed = [key.sid for key in twilio_2010.keys.list(page_size=2) if key.friendly_name == word]
    assert listed == made
    page = twilio_2010.keys.page(page_size=2)
    again = page.next_page().previous_page()
    assert [key.sid for key in again] == [key.sid for key in twilio_2010.keys.page(page_size=2)]
    assert len(twilio_2010.keys.list(limit=3)) == 3


def test_subaccounts_and_statuses(tmp_path):
    server = process.start(tmp_path / "data", variables={"TERTULIA_ADMIN_TOKEN": ADMIN})

    def as_admin(path, form):
        bearer = {"Authorization": f"Bearer {ADMIN}"}
        return call(server, "POST", f"/tertulia/v1/Accounts{path}", form, credentials=False, headers=bearer)

    try:
        made = as_admin("", {"FriendlyName": "Sub", "OwnerAccountSid": server.account_sid})
        assert made.status == 201
        sid, token = made["sid"], made["auth_token"]
        seen = neighbour(server).api.accounts(sid).fetch()
        assert (seen.owner_account_sid, seen.auth_token) == (server.account_sid, token)
        key = neighbour(server).api.accounts(sid).new_keys.create(friendly_name="made by its owner")
        theirs = [neighbour(server, sid, token, sid), neighbour(server, key.sid, key.secret, sid)]
        for one in theirs:
            assert one.conversations.v1.conversations.create().account_sid == sid
            with refused(404, 20404):
                one.api.accounts(server.account_sid).fetch()

        for status in ("suspended", "active", "closed"):
            assert as_admin(f"/{sid}", {"Status": status})["status"] == status
            expected = 200 if status == "active" else 403
            for credentials in ((sid, token), (key.sid, key.secret)):
                answer = call(server, "GET", "/v1/Conversations", credentials=credentials)
                assert answer.status == expected and answer.json.get("code") in (None, 20403)
        assert neighbour(server).api.accounts(sid).fetch().status == "closed"
        assert as_admin(f"/{sid}", {"Status": "active"}).status == 409
    finally:
        server.stop()
