"""Access tokens of the official library, shown to the media service; and those that the server makes itself."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlsplit

import jwt
import pytest
from harness import databases, process
from harness.raw import basic, call, make
from harness.tokens import OldChatGrant, access_token, show, upload
from harness.waiting import until
from twilio.jwt.access_token.grants import ChatGrant, SyncGrant, VideoGrant

# PyJWT finds our secret short for the longer algorithms; keys of Twilio's are as short.
pytestmark = [pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")]
ADMIN = "an-admin-token-of-some-length"
DEMO = "/tertulia/v1/DemoToken"


@pytest.fixture
def service(server):
    """The sid of a new service, alone with its test."""
    return make(server, "/v1/Services", {"FriendlyName": "a test's own"})["sid"]


def default_service(server):
    return call(server, "GET", "/v1/Configuration").json["default_chat_service_sid"]


def code(server, service, token):
    """0 where the token opens the service."""
    answer = upload(server, service, token)
    assert answer.status == 201 or answer.status in (401, 403), answer.text
    return 0 if answer.status == 201 else answer.code


@pytest.mark.both
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_tokens_of_every_algorithm_of_the_libraries_hold(server, service, algorithm):
    for options in [{}, {"region": "ie1"}, {"nbf": None}, {"ttl": 86_400}, {"identity": "\u00e9va \u732b"}]:
        made = upload(server, service, access_token(service, algorithm=algorithm, **options))
        assert made.status == 201, made.text
        assert made["author"] == options.get("identity", "alice")


@pytest.mark.both
def test_who_takes_part_reads(server, service, twilio):
    alice, bob, eve = (access_token(service, identity) for identity in ("alice", "bob", "eve"))
    sid = upload(server, service, alice)["sid"]
    record = f"/v1/Services/{service}/Media/{sid}"

    def status(token, path=record):
        return show(server, token, "GET", path).status

    assert [status(token) for token in (alice, bob, eve)] == [200, 403, 403]
    conversations = twilio.conversations.v1.services(service).conversations
    conversation = conversations(conversations.create().sid)
    for identity in ("alice", "bob"):
        conversation.participants.create(identity=identity)
    conversation.messages.create(author="alice", media_sid=sid)
    assert [status(token) for token in (alice, bob, eve)] == [200, 200, 403]
    assert [status(token, f"{record}/Content") for token in (alice, bob, eve)] == [200, 200, 403]
    body = json.dumps({"command": "get", "list": [{"media_sid": sid}]})
    sets = [
        show(server, token, "POST", f"/v1/Services/{service}/MediaSet", body, Content_Type="application/json")
        for token in (bob, eve)
    ]
    assert [answer.json[0]["code"] for answer in sets] == [200, 403]
    conversation.participants("bob").delete()
    assert status(bob) == 403
    # The account itself reads everything; the rest of the API does not know tokens.
    authorization = basic(*server.credentials)
    assert show(server, None, "GET", record, Authorization=authorization).status == 200
    assert show(server, alice, "GET", "/v1/Conversations").code == 20003


@pytest.mark.both
def test_other_grants_and_the_old_name(server, service):
    assert code(server, service, access_token(service, grant=OldChatGrant)) == 0
    for grant in (VideoGrant, SyncGrant):
        options = {"room": "x"} if grant is VideoGrant else {"service_sid": service}
        payload = jwt.decode(access_token(service), options={"verify_signature": False})
        payload["grants"][grant(**options).key] = grant(**options).to_payload()
        header = {"typ": "JWT", "cty": "twilio-fpa;v=1"}
        token = jwt.encode(payload, process.API_KEY_SECRET, algorithm="HS256", headers=header)
        assert code(server, service, token) == 0
    assert code(server, service, access_token(service, grant=lambda **_: ChatGrant())) == 20106


@pytest.mark.both
def test_clocks_differ_a_little(server, service):
    now = int(time.time())
    for options, expected in [
        ({"nbf": now + 30}, 0),
        ({"nbf": now + 600}, 20105),
        ({"nbf": now - 600}, 0),
        ({"valid_until": now - 1}, 20104),
        ({"valid_until": now - 86_400}, 20104),
        ({"nbf": None, "valid_until": now + 86_400 + 30}, 0),
        ({"nbf": None, "valid_until": now + 86_400 + 600}, 20157),
        ({"nbf": now - 3600, "valid_until": now + 86_400 - 3600}, 0),
        ({"nbf": now - 3600, "valid_until": now + 86_400 - 3500}, 20157),
    ]:
        assert code(server, service, access_token(service, **options)) == expected, options


@pytest.mark.both
def test_forged_tokens(server, service):
    good = access_token(service)
    header, claims, signature = good.split(".")
    payload = jwt.decode(good, options={"verify_signature": False})
    kind = {"cty": "twilio-fpa;v=1"}

    def signed(**changes):
        return jwt.encode({**payload, **changes}, process.API_KEY_SECRET, algorithm="HS256", headers=kind)

    def part(value):
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    other = json.loads(urlsafe_b64decode(claims + "=="))
    other["grants"]["identity"] = "eve"
    shop = make(server, "/v1/Services", {"FriendlyName": "Shop"})["sid"]
    for token, expected in [
        (jwt.encode(payload, None, algorithm="none", headers=kind), 20102),
        (f"{part({'typ': 'JWT', 'alg': 'none', **kind})}.{claims}.", 20102),
        (jwt.encode(payload, process.API_KEY_SECRET, algorithm="HS256"), 20102),
        (f"{header}.{part(other)}.{signature}", 20107),
        (f"{header}.{claims}.", 20107),
        (access_token(service, secret=process.AUTH_TOKEN), 20107),
        (access_token(service, key=process.ACCOUNT_SID, secret=process.AUTH_TOKEN), 20103),
        (access_token(service, key="SK" + "9" * 32), 20103),
        (access_token(service, account="AC" + "9" * 32), 20103),
        (access_token(service, identity=None), 20106),
        (access_token(service, identity="system"), 20106),
        (access_token("IS" + "9" * 32), 20106),
        (signed(grants="alice"), 20106),
        (signed(exp=None), 20104),
        (signed(sub="nobody"), 20103),
        (f"{header}.{part(list(payload))}.{signature}", 20101),
        ("x" * 20_000, 20101),
        (access_token(shop), 20403),
    ]:
        assert code(server, service, token) == expected, token[:200]


@pytest.mark.both
def test_a_key_that_is_deleted(server, service):
    key = make(server, "/tertulia/v1/Keys", {"FriendlyName": "App"})
    token = access_token(service, key=key["sid"], secret=key["secret"])
    assert code(server, service, token) == 0
    assert call(server, "DELETE", f"/tertulia/v1/Keys/{key['sid']}").status == 204
    assert code(server, service, token) == 20103


def test_a_key_that_is_deleted_on_another_node(tmp_path):
    shared = {"TERTULIA_MASTER_KEY": "0f" * 32}
    with databases.database() as url:
        here, there = (
            process.start(tmp_path / name, database=url, engine="postgres", variables=shared) for name in ("a", "b")
        )
        try:
            service = default_service(here)
            made = make(here, "/tertulia/v1/Tokens", {"Identity": "alice"})
            record = f"/v1/Services/{service}/MediaSet"
            body = json.dumps({"command": "get", "list": []})

            def status():
                return show(there, made["token"], "POST", record, body, Content_Type="application/json").status

            assert status() == 200
            assert call(here, "DELETE", f"/tertulia/v1/Keys/{made['key_sid']}").status == 204
            until(lambda: status() == 401, "the other node to refuse the token", seconds=3)
        finally:
            here.stop()
            there.stop()


@pytest.mark.both
def test_tokens_that_the_server_makes(server, service):
    made = make(server, "/tertulia/v1/Tokens", {"Identity": "alice", "ChatServiceSid": service, "Ttl": 60})
    assert set(made) == {"token", "identity", "chat_service_sid", "key_sid", "expires_at"}
    payload = jwt.decode(made["token"], options={"verify_signature": False})
    assert jwt.get_unverified_header(made["token"]) == {"typ": "JWT", "alg": "HS256", "cty": "twilio-fpa;v=1"}
    assert payload["exp"] - payload["iat"] == 60
    assert payload["grants"] == {"identity": "alice", "chat": {"service_sid": service}}
    assert (payload["iss"], payload["sub"]) == (made["key_sid"], process.ACCOUNT_SID)
    assert code(server, service, made["token"]) == 0
    pinned = make(server, "/tertulia/v1/Tokens", {"Identity": "alice", "KeySid": process.API_KEY_SID})
    key = jwt.decode(pinned["token"], process.API_KEY_SECRET, algorithms=["HS256"])
    assert key["iss"] == process.API_KEY_SID


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_the_command(tmp_path, is_running):
    data = tmp_path / "data"
    server = process.start(data)
    service = default_service(server)
    if not is_running:
        server.stop()

    def command(*arguments):
        variables = {**process.PINNED, "TERTULIA_DATA": str(data)}
        return process.run("token", "--identity", "alice", *arguments, variables=variables)

    try:
        plain, whole = command(), command("--json", "--service", service, "--ttl", "60")
        keyed = command("--key", process.API_KEY_SID)
        assert (plain.returncode, whole.returncode, keyed.returncode) == (0, 0, 0), plain.stderr + whole.stderr
        for wrong in (["--ttl", "86401"], ["--ttl", "0"], ["--key", "SK" + "9" * 32], ["--service", "IS1"]):
            refused = command(*wrong)
            assert refused.returncode == 1 and "Invalid value" in refused.stderr, refused.stderr
        assert command("--ttl", "soon").returncode == 2
        if not is_running:
            server = process.start(data)
        token, told = plain.stdout.strip(), json.loads(whole.stdout)
        assert plain.stdout == f"{token}\n"
        for one in (token, told["token"], keyed.stdout.strip()):
            assert code(server, service, one) == 0
        keys = call(server, "GET", "/tertulia/v1/Keys").json["keys"]
        assert [key["friendly_name"] for key in keys].count("Access tokens") == 1
        deleted = process.run("key", "delete", told["key_sid"], variables={"TERTULIA_DATA": str(data)})
        assert deleted.returncode == 0, deleted.stderr
        assert [code(server, service, one) for one in (token, keyed.stdout.strip())] == [20103, 0]
    finally:
        server.stop()


def test_demonstrations_must_be_switched_on(tmp_path, server):
    assert call(server, "GET", f"{DEMO}?identity=alice", credentials=False).status == 404
    assert call(server, "GET", f"{DEMO}?identity=alice").status == 404
    shown = process.start(tmp_path / "demo", variables={"TERTULIA_DEMO_TOKENS": "true"})
    try:
        assert "admin.demo_tokens" in shown.output()
        headers = {"Origin": "https://demo.example"}
        given = call(shown, "GET", f"{DEMO}?identity=alice&password=x", credentials=False, headers=headers)
        assert (given.status, given.headers["Content-Type"]) == (200, "text/plain;charset=utf-8")
        assert given.headers["Access-Control-Allow-Origin"] == "*"
        assert code(shown, default_service(shown), given.text) == 0
    finally:
        shown.stop()
    wrong = process.run("serve", variables={"TERTULIA_DEMO_TOKENS": "yes", "TERTULIA_DATA": str(tmp_path / "x")})
    assert wrong.returncode == 2 and "TERTULIA_DEMO_TOKENS" in wrong.stderr


@pytest.mark.both
def test_a_page_of_another_origin(server, service):
    path, origin = f"/v1/Services/{service}/Media", "https://app.example"
    asked = show(
        server, None, "OPTIONS", path, Origin=origin, Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type,x-twilio-token",
    )
    assert asked.status == 200 and asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Twilio-Token" in asked.headers["Access-Control-Allow-Headers"]
    token = access_token(service)
    sid = upload(server, service, token)["sid"]
    record = show(server, token, "GET", f"{path}/{sid}", Origin=origin)
    assert record.headers["Content-Type"].startswith("application/json")
    url = urlsplit(record["links"]["content_direct_temporary"])
    read = show(server, None, "GET", f"{url.path}?{url.query}", Origin=origin)
    assert read.text == "a picture" and read.headers["Access-Control-Allow-Origin"] == "*"
