"""A workflow engine's HTTP task performs the three founding operations.

The request is the one that Conductor's HTTP task sends: URI, method, accept, content type, headers, and a body that
is a map of fields, written in the task's content type. Its documented default is JSON, which Tertulia refuses unless
it is lenient, so a task for a strict server says form.
"""

from urllib.parse import quote

import pytest
import requests
from harness import contract, process
from harness.raw import FORM, basic

pytestmark = pytest.mark.both


def http_task(server, path, body, content_type=FORM, method="POST"):
    """Sends what an HTTP task with these input parameters sends; answers with the task's output."""
    request = {
        "uri": server.url + path, "method": method, "accept": "application/json", "contentType": content_type,
        "headers": {"Authorization": basic(*server.credentials), "Content-Type": content_type},
        "body": body, "connectionTimeOut": 3000, "readTimeOut": 5000,
    }
    encoded = {"json": request["body"]} if content_type == "application/json" else {"data": request["body"]}
    response = requests.request(
        request["method"], request["uri"], headers={**request["headers"], "Accept": request["accept"]},
        timeout=(request["connectionTimeOut"] / 1000, request["readTimeOut"] / 1000), **encoded,
    )
    contract.check(method, request["uri"], response.status_code, response.headers, response.text)
    return {
        "statusCode": response.status_code, "reasonPhrase": response.reason, "headers": dict(response.headers),
        "body": response.json(),
    }


@pytest.mark.parametrize("is_long", [False, True], ids=["short", "long"])
def test_the_three_operations(server, default_service_sid, name, is_long):
    root = f"/v1/Services/{default_service_sid}" if is_long else "/v1"
    identity = name("guest@example.org")
    conversation = http_task(server, f"{root}/Conversations", {"FriendlyName": "Order 17"})["body"]["sid"]

    created = http_task(
        server, f"{root}/Conversations/{conversation}/Participants",
        {"Identity": identity, "Attributes": '{"order": 17}'},
    )
    assert (created["statusCode"], created["reasonPhrase"]) == (201, "Created")
    assert created["body"]["identity"] == identity

    updated = http_task(
        server, f"{root}/Conversations/{conversation}/Participants/{created['body']['sid']}",
        {"Attributes": '{"order": 18}', "LastReadMessageIndex": 0},
    )
    assert (updated["statusCode"], updated["body"]["attributes"]) == (200, '{"order": 18}')
    assert updated["body"]["last_read_message_index"] == 0

    level = http_task(
        server, f"{root}/Users/{quote(identity, safe='')}/Conversations/{conversation}",
        {"NotificationLevel": "muted", "LastReadMessageIndex": 0},
    )
    assert (level["statusCode"], level["body"]["notification_level"]) == (200, "muted")
    assert (level["body"]["last_read_message_index"], level["body"]["unread_messages_count"]) == (0, 0)


def test_the_default_content_type_is_refused_in_words(server):
    refused = http_task(server, "/v1/Conversations", {"FriendlyName": "x"}, content_type="application/json")
    assert (refused["statusCode"], refused["body"]["code"]) == (400, 20001)
    assert "application/json" in refused["body"]["message"]


def test_the_default_content_type_works_on_a_lenient_server(tmp_path):
    lenient = process.start(tmp_path / "data", "--lenient")
    try:
        made = http_task(lenient, "/v1/Conversations", {"FriendlyName": "x"}, content_type="application/json")
        path = f"/v1/Conversations/{made['body']['sid']}/Participants"
        member = http_task(lenient, path, {"Identity": "guest"}, content_type="application/json")
        assert member["statusCode"] == 201
        read = http_task(
            lenient, f"{path}/guest", {"LastReadMessageIndex": 3}, content_type="application/json"
        )
        assert (read["statusCode"], read["body"]["last_read_message_index"]) == (200, 3)
    finally:
        lenient.stop()
