"""The admin API's door, and the commands that go through it while a server runs and to the store when none does."""

import re

import pytest
from harness import process
from harness.raw import call, make

ADMIN = "an-admin-token-of-some-length"
WITH_TOKEN = {"TERTULIA_ADMIN_TOKEN": ADMIN}


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture(params=["running", "stopped"])
def house(request, data):
    """A data folder whose server runs, or has run."""
    server = process.start(data, variables=WITH_TOKEN)
    if request.param == "stopped":
        server.stop()
    yield data
    server.stop()


def admin(data, *arguments, succeeds=True):
    """Runs an admin command on the folder, with the server's own environment."""
    ran = process.run(*arguments, variables={**process.PINNED, **WITH_TOKEN, "TERTULIA_DATA": str(data)})
    assert "panicked" not in ran.stderr
    assert (ran.returncode == 0) is succeeds, f"{arguments} -> {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def found(pattern, text):
    match = re.search(pattern, text)
    assert match, f"no {pattern} in: {text}"
    return match.group(0)


def accepted(data, username, password):
    """Whether a server on the folder takes these credentials; asked of one of its own, after all commands ran."""
    server = process.start(data, variables=WITH_TOKEN)
    try:
        return call(server, "GET", "/v1/Conversations", credentials=(username, password)).status == 200
    finally:
        server.stop()


def token_in(output):
    return found(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])", output)


def test_accounts(house):
    assert process.ACCOUNT_SID in admin(house, "account", "list")
    created = admin(house, "account", "create", "--friendly-name", "Second")
    sid = found(r"\bAC[0-9a-f]{32}\b", created)
    listed = admin(house, "account", "list")
    assert sid in listed and "Second" in listed and process.ACCOUNT_SID in listed
    assert token_in(created) not in listed, "tokens are told once"


def test_keys(house):
    created = admin(house, "key", "create", "--friendly-name", "For CI")
    sid = found(r"\bSK[0-9a-f]{32}\b", created)
    listed = admin(house, "key", "list")
    assert sid in listed and "For CI" in listed and process.API_KEY_SID in listed
    admin(house, "key", "delete", sid)
    assert sid not in admin(house, "key", "list")
    admin(house, "key", "delete", sid, succeeds=False)


def test_templates(house):
    created = admin(house, "template", "create", "Hi {{1}}", "--friendly-name", "greeting")
    sid, imported = found(r"\bHX[0-9a-f]{32}\b", created), "HX" + "1" * 32
    assert imported in admin(house, "template", "create", "Bye", "--sid", imported)
    admin(house, "template", "create", "Bye", "--sid", imported, succeeds=False)
    listed = admin(house, "template", "list")
    assert sid in listed and "greeting" in listed and imported in listed
    admin(house, "template", "delete", sid)
    assert sid not in admin(house, "template", "list")
    admin(house, "template", "delete", sid, succeeds=False)


def test_what_the_commands_make_works(data):
    server = process.start(data, variables=WITH_TOKEN)
    account = admin(data, "account", "create", "--friendly-name", "Second")
    sid, token = found(r"\bAC[0-9a-f]{32}\b", account), token_in(account)
    made = call(server, "POST", "/v1/Conversations", {}, credentials=(sid, token))
    assert made.status == 201 and made["account_sid"] == sid
    theirs = call(server, "GET", f"/v1/Conversations/{made['sid']}")
    assert theirs.status == 404, "accounts do not see one another"
    assert len(call(server, "GET", "/v1/Roles", credentials=(sid, token))["roles"]) == 4

    key = admin(data, "key", "create", "--friendly-name", "For CI")
    key_sid = found(r"\bSK[0-9a-f]{32}\b", key)
    secret = max(re.findall(r"[0-9A-Za-z]{32,}", key.replace(key_sid, "").replace(process.ACCOUNT_SID, "")), key=len)
    assert call(server, "GET", "/v1/Conversations", credentials=(key_sid, secret)).status == 200
    admin(data, "key", "delete", key_sid)
    assert call(server, "GET", "/v1/Conversations", credentials=(key_sid, secret)).status == 401
    server.stop()

    offline = admin(data, "account", "create", "--friendly-name", "Third")
    assert accepted(data, found(r"\bAC[0-9a-f]{32}\b", offline), token_in(offline))
    assert accepted(data, sid, token), "what was made before is still there"


ACCOUNTS = "/tertulia/v1/Accounts"


def ask(server, token=None, path=ACCOUNTS):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return call(server, "GET", path, credentials=False, headers=headers)


def test_without_a_token_there_is_no_such_door(data):
    server = process.start(data)
    try:
        assert ask(server).status == 404
        assert ask(server, ADMIN).status == 404
        assert call(server, "GET", ACCOUNTS).status == 404, "nor for an account's own credentials"
    finally:
        server.stop()


def test_the_token_opens_the_door(data):
    server = process.start(data, variables=WITH_TOKEN)
    try:
        answer = ask(server, ADMIN)
        assert answer.status == 200 and process.ACCOUNT_SID in answer.text
        assert process.AUTH_TOKEN not in answer.text
        for wrong in (None, "wrong", ADMIN + "x", ADMIN[:-1]):
            assert 400 <= ask(server, wrong).status < 500
        make(server, "/v1/Conversations")
        assert ask(server, ADMIN, "/v1/Conversations").status == 401, "and no other"
    finally:
        server.stop()


@pytest.mark.parametrize("arguments", [
    ["account"], ["account", "nonsense"], ["key", "delete"], ["key", "delete", "SKnonsense"], ["nonsense"], [],
])
def test_wrong_commands_are_told(data, arguments):
    admin(data, *arguments, succeeds=False)
