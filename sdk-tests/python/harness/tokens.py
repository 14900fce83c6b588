"""Access tokens, made by the official library, and shown to the media service, which it does not know."""

import http.client

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from harness import contract, process
from harness.raw import Answer
from requests.structures import CaseInsensitiveDict


class OldChatGrant(ChatGrant):
    """The grant by the name that it had in Programmable Chat's time."""

    key = "ip_messaging"


def access_token(
    service_sid, identity="alice", *, account=process.ACCOUNT_SID, key=process.API_KEY_SID,
    secret=process.API_KEY_SECRET, algorithm="HS256", grant=ChatGrant, **options,
):
    """A token as an application's server hands it out; ``options`` are the library's own."""
    made = AccessToken(account, key, secret, identity=identity, grants=[grant(service_sid=service_sid)], **options)
    made.algorithm = algorithm
    return made.to_jwt()


def show(server, token, method, path, body=None, **headers):
    """One request with a token and no other credentials; names of headers have underscores."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["X-Twilio-Token"] = token
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        link.request(method, path, body, sent)
        response = link.getresponse()
        answer = Answer(response.status, CaseInsensitiveDict(response.getheaders()), response.read().decode())
    finally:
        link.close()
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        contract.check_problem(answer.status, answer.json)
    return answer


def upload(server, service_sid, token):
    return show(server, token, "POST", f"/v1/Services/{service_sid}/Media", b"a picture", Content_Type="image/png")
