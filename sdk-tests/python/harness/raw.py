"""Plain HTTP, for what the official client would never send; answers are held against the contract all the same."""

import base64
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

from harness import contract
from requests.structures import CaseInsensitiveDict

FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    status: int
    headers: CaseInsensitiveDict
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def code(self):
        return self.json.get("code")

    def __getitem__(self, name):
        return self.json[name]


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def call(server, method, path, form=None, *, body=None, headers=None, credentials=True, connection=None):
    """One request. ``form`` is a mapping or a list of pairs; ``body`` is sent as it is, without a content type."""
    sent = {}
    if credentials:
        sent["Authorization"] = basic(*(server.credentials if credentials is True else credentials))
    if form is not None:
        body, sent["Content-Type"] = urlencode(form, doseq=True), FORM
    sent |= headers or {}
    sent = {name: value for name, value in sent.items() if value is not None}
    link = connection or http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        link.request(method, path, body, sent)
        response = link.getresponse()
        headers = CaseInsensitiveDict(response.getheaders())
        answer = Answer(response.status, headers, response.read().decode())
    finally:
        if connection is None:
            link.close()
    contract.check(method, path, answer.status, answer.headers, answer.text)
    return answer


def make(server, path, form=None, **keywords):
    """Creates something and answers with its body."""
    answer = call(server, "POST", path, form or {}, **keywords)
    assert answer.status == 201, f"POST {path} -> {answer.status} {answer.text}"
    return answer.json


def make_many(server, requests, threads=8):
    """Creates many things over a few kept connections; ``requests`` are (path, form). Answers keep their order."""
    own = threading.local()

    def one(request):
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        return make(server, *request, connection=own.connection)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, requests))


def talk(server, message, limit=1 << 20):
    """Writes bytes to a socket and answers with all bytes that come back before the server closes or falls silent."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as link:
        link.settimeout(5)
        try:
            link.sendall(message)
            link.shutdown(socket.SHUT_WR)
            while len(received) < limit:
                part = link.recv(65536)
                if not part:
                    break
                received += part
        except OSError:
            pass  # Closed under our hands, or silent: what came back until then is the answer.
    return received
