"""The official Python client, sync and async, pointed at a server; every answer goes through the contract."""

import json
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from harness import contract


class CheckedHttpClient(TwilioHttpClient):
    """The client's own transport, which also holds each answer against the description."""

    def request(self, method, url, *arguments, **keywords):
        response = super().request(method, url, *arguments, **keywords)
        contract.check(method, url, response.status_code, response.headers, response.text)
        return response


class CheckedAsyncHttpClient(AsyncTwilioHttpClient):
    """The same for the asynchronous transport."""

    async def request(self, method, url, *arguments, **keywords):
        response = await super().request(method, url, *arguments, **keywords)
        contract.check(method, url, response.status_code, response.headers, response.text)
        return response


def client(server, username=None, password=None, transport=None):
    """A client whose one extra line is the address of the server."""
    account = server.account_sid
    made = Client(
        username or account, password or server.auth_token, account,
        http_client=transport or CheckedHttpClient(timeout=30),
    )
    made.conversations.base_url = server.url
    return made


class Form:
    """One of the two forms of the API: the account's default service, or a service named in the path.

    Both have ``conversations``, ``users`` and ``roles`` with the same operations, so a test written once holds
    for both. ``path`` is what stands before ``/Conversations`` in its addresses.
    """

    def __init__(self, client, service_sid, is_long):
        self.client = client
        self.service_sid = service_sid
        self.is_long = is_long
        v1 = client.conversations.v1
        self.root = v1.services(service_sid) if is_long else v1
        self.path = f"/v1/Services/{service_sid}" if is_long else "/v1"

    @property
    def conversations(self):
        return self.root.conversations

    @property
    def users(self):
        return self.root.users

    @property
    def roles(self):
        return self.root.roles

    def conversation(self, **fields):
        """A new conversation, as the context under which its participants and messages stand."""
        return self.conversations(self.conversations.create(**fields).sid)

    def role(self, friendly_name):
        return next(role for role in self.roles.list() if role.friendly_name == friendly_name)


def path_of(url):
    return urlsplit(url).path


class refused:
    """A block in which the server must refuse: ``with refused(409, 50433) as problem``; several codes may do."""

    def __init__(self, status, *codes):
        self.status, self.codes, self.message = status, codes, ""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        assert error is not None, f"expected {self.status} {self.codes}, and nothing was refused"
        if not isinstance(error, TwilioException):
            return False
        status, code, self.message = _told(error)
        got = f"expected {self.status} {self.codes}, got {status} {code} {self.message}"
        assert status == self.status and (not self.codes or code in self.codes), got
        return True


def _told(error):
    """Status, code and message. For a page the client tells no more than the response as it came."""
    if isinstance(error, TwilioRestException):
        return error.status, error.code, error.msg
    problem = json.loads(error.args[1].text)
    return error.args[1].status_code, problem["code"], problem["message"]
