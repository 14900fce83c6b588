"""Signatures of webhooks, judged by the official validator: over http and https, whatever the URL looks like."""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

import pytest
from harness import process
from harness.clients import client
from harness.raw import call
from harness.signed import Receiver, certificates
from twilio.request_validator import RequestValidator

ADMIN = "an-admin-token-that-is-long-enough"
# What stands behind scheme, host and port.
PLACES = (
    "",
    "/",
    "/hook",
    "/hook?foo=1&bar=2",
    "/hook?foo=2&foo=1&foo=2&Body=mine",
    "/hook?name=it's&said=%22so%22&empty=&alone",
    "/a%20path/%C3%A9t%C3%A9?q=%E2%82%AC%20and+more&tilde=~",
    "/hook?next=https://example.com/?a=b",
    "/hook#rc=1&rp=5xx",
    "/hook?a=b#fragment",
)
BODY = "  it's \"so\" & <that>: 100% \u00e9t\u00e9 \u20ac \U0001f44b a+b=c\r\nnext  "


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def house(tmp_path_factory, authority):
    """A server that trusts the test's own CA and may call this machine."""
    folder = tmp_path_factory.mktemp("signatures")
    file = folder / "tertulia.toml"
    file.write_text("[webhooks]\nstandard_signature = true\n")
    running = process.start(
        folder / "data", "--config", str(file), variables={
            "TERTULIA_WEBHOOK_ALLOW_PRIVATE": "true", "TERTULIA_REST_PRE_HOOKS": "true",
            "TERTULIA_ADMIN_TOKEN": ADMIN, "SSL_CERT_FILE": str(authority[0]),
        },
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def receivers(authority):
    both = {"http": Receiver(), "https": Receiver(authority[1])}
    yield both
    for receiver in both.values():
        receiver.close()


@pytest.fixture(params=["http", "https"])
def receiver(request, receivers):
    return receivers[request.param]


def listen(twilio, url, method="POST", **fields):
    """Lets the account's webhook hear of new messages there."""
    fields = {"post_webhook_url": url, "pre_webhook_url": "", "filters": ["onMessageAdded"], **fields}
    twilio.conversations.v1.configuration.webhooks().update(method=method, **fields)


def say(twilio, body=BODY):
    """A message that webhooks hear of, in a conversation of its own."""
    conversation = twilio.conversations.v1.conversations.create()
    attributes = '{"a": "\u00fc \\" + %"}'
    return twilio.conversations.v1.conversations(conversation.sid).messages.create(
        body=body, author="alice", attributes=attributes, x_twilio_webhook_enabled="true"
    )


def is_signed(told, token, url=None):
    return RequestValidator(token).validate(url or told.url, told.form, told.header("x-twilio-signature"))


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("place", PLACES)
def test_the_official_validator_agrees(house, receiver, place, method):
    twilio = client(house)
    listen(twilio, f"{receiver.scheme}://localhost:{receiver.port}{place}", method)
    message = say(twilio)
    told = receiver.next()
    assert told.method == method
    assert told.values["MessageSid"] == message.sid
    assert told.values["Body"] in (BODY, "mine")
    assert is_signed(told, house.auth_token), told.url
    assert not is_signed(told, "another token")
    assert not is_signed(told, house.auth_token, told.url + "x")
    if method == "POST":
        changed = {**told.form, "Body": BODY.strip()}
        assert not RequestValidator(house.auth_token).validate(told.url, changed, told.header("x-twilio-signature"))


def test_a_receiver_behind_a_proxy_sees_no_port_of_https(house, receivers):
    twilio, receiver = client(house), receivers["https"]
    listen(twilio, f"https://localhost:{receiver.port}/hook?a=b")
    say(twilio)
    assert is_signed(receiver.next(), house.auth_token, "https://localhost/hook?a=b")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_user_and_password_open_the_door_and_are_not_signed(house, receiver, method):
    twilio = client(house)
    listen(twilio, f"{receiver.scheme}://us%20er:p%3Ass@localhost:{receiver.port}/hook", method)
    say(twilio)
    told = receiver.next()
    assert base64.b64decode(told.header("authorization").removeprefix("Basic ")) == b"us er:p:ss"
    assert "us" not in urlsplit(told.url).netloc
    assert is_signed(told, house.auth_token)


def test_what_is_asked_before_is_signed_too(house, receiver):
    twilio = client(house)
    url = f"{receiver.scheme}://localhost:{receiver.port}/before"
    listen(twilio, "", pre_webhook_url=url, filters=["onMessageAdd"])
    say(twilio)
    told = receiver.next()
    assert told.form["EventType"] == "onMessageAdd"
    assert is_signed(told, house.auth_token)


def test_headers_are_those_that_receivers_know(house, receiver):
    twilio = client(house)
    listen(twilio, f"{receiver.scheme}://localhost:{receiver.port}/hook")
    say(twilio)
    told = receiver.next()
    assert told.header("content-type") == "application/x-www-form-urlencoded; charset=utf-8"
    assert told.header("user-agent") == "TwilioProxy/1.1"
    assert told.header("accept") == "*/*"
    assert len(told.header("i-twilio-idempotency-token")) == 36


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_second_signature_covers_id_time_and_body(house, receiver, method):
    twilio = client(house)
    listen(twilio, f"{receiver.scheme}://localhost:{receiver.port}/hook", method)
    say(twilio)
    told = receiver.next()
    number, seconds = told.header("webhook-id"), told.header("webhook-timestamp")
    assert number == told.header("i-twilio-idempotency-token")
    signed = f"{number}.{seconds}.".encode() + told.body
    digest = hmac.new(house.auth_token.encode(), signed, hashlib.sha256).digest()
    assert told.header("webhook-signature") == "v1," + base64.b64encode(digest).decode()


def test_a_certificate_of_somebody_else_is_not_trusted(house, receivers, tmp_path):
    _, stranger = certificates(tmp_path)
    twilio, trusted, other = client(house), receivers["https"], Receiver(stranger)
    conversation = twilio.conversations.v1.conversations.create()
    webhooks = twilio.conversations.v1.conversations(conversation.sid).webhooks
    listen(twilio, "")
    webhooks.create(
        target="webhook", configuration_filters=["onMessageAdded"],
        configuration_url=f"https://localhost:{other.port}/hook",
    )
    webhooks.create(
        target="webhook", configuration_filters=["onMessageAdded"],
        configuration_url=f"https://localhost:{trusted.port}/hook",
    )
    # One lane goes to each, side by side; the first of the second one comes after the first of the first.
    for _ in range(2):
        twilio.conversations.v1.conversations(conversation.sid).messages.create(
            body="hello", x_twilio_webhook_enabled="true"
        )
        trusted.next()
    assert other.received == []
    other.close()


def test_a_token_that_takes_over_signs_from_then_on(house, receivers):
    """The last test of this file: the account has another token after it."""
    receiver = receivers["http"]
    twilio = client(house)
    listen(twilio, f"http://localhost:{receiver.port}/hook")
    tokens = f"/tertulia/v1/Accounts/{house.account_sid}/AuthTokens"
    headers = {"Authorization": f"Bearer {ADMIN}"}
    primary = house.auth_token

    def administer(path, form):
        answer = call(house, "POST", path, form, credentials=False, headers=headers)
        assert answer.status in (200, 201), answer.text
        return answer

    secondary = administer(tokens, {"Which": "secondary"})["auth_token"]
    say(twilio)
    told = receiver.next()
    assert is_signed(told, primary) and not is_signed(told, secondary), "the primary one signs until then"
    administer(f"{tokens}/Promote", {})
    house.auth_token = secondary
    say(client(house))
    told = receiver.next()
    assert is_signed(told, secondary) and not is_signed(told, primary)
    house.auth_token = administer(tokens, {"Which": "primary"})["auth_token"]
    say(client(house))
    assert is_signed(receiver.next(), house.auth_token)
