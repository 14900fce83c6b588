"""The letter of the API: credentials, refusals, headers, encodings, as a client reads them off the wire."""

import http.client
import re

import pytest
from harness import process
from harness.raw import FORM, basic, call, make

NOBODY = "AC" + "9" * 32
GONE = "CH" + "0" * 32


@pytest.fixture(scope="module")
def conversation(server):
    return make(server, "/v1/Conversations", {"FriendlyName": "letter"})


# Credentials.


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Basic", "Basic !!!", "Bearer abc", "Basic " + "A" * 5000, basic(NOBODY, "x"), basic("", ""),
        basic(process.ACCOUNT_SID, "wrong"), basic(process.ACCOUNT_SID, ""), basic(process.API_KEY_SID, "wrong"),
        basic(process.ACCOUNT_SID.lower(), process.AUTH_TOKEN), basic(process.ACCOUNT_SID, process.API_KEY_SECRET),
    ],
)
def test_without_good_credentials(server, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = call(server, "GET", "/v1/Conversations", credentials=False, headers=headers)
    assert answer.status == 401
    assert (answer.code, answer["message"]) == (20003, "Authenticate")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Twilio API"'


def test_account_and_api_key_are_one(server, conversation):
    for credentials in ((process.ACCOUNT_SID, process.AUTH_TOKEN), (process.API_KEY_SID, process.API_KEY_SECRET)):
        answer = call(server, "GET", f"/v1/Conversations/{conversation['sid']}", credentials=credentials)
        assert answer.status == 200 and answer["account_sid"] == process.ACCOUNT_SID


# Paths and methods.


@pytest.mark.parametrize(
    "path, told",
    [
        (f"/v1/Conversations/{GONE}", f"/Conversations/{GONE}"),
        ("/v1/Conversations/CH71", "/Conversations/CH71"),
        (f"/v1/Conversations/{GONE}/Messages?Order=desc", f"/Conversations/{GONE}/Messages"),
        (f"/v1/Services/IS{'0' * 32}/Conversations/{GONE}", f"/Services/IS{'0' * 32}/Conversations/{GONE}"),
        ("/v1/Users/nobody%40example.org", "/Users/nobody%40example.org"),
        ("/v1/Nonsense", "/Nonsense"),
        ("/v1/Conversations/CH71/Nonsense", "/Conversations/CH71/Nonsense"),
    ],
)
def test_what_is_not_there_is_told_without_the_version(server, path, told):
    answer = call(server, "GET", path)
    assert (answer.status, answer.code) == (404, 20404)
    assert answer["message"] == f"The requested resource {told} was not found"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v2/Conversations", "/v1/conversations", "/nonsense"])
def test_other_paths(server, path):
    answer = call(server, "GET", path)
    assert (answer.status, answer.code) == (404, 20404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_wrong_method(server, method):
    answer = call(server, method, "/v1/Conversations")
    assert (answer.status, answer.code, answer["message"]) == (405, 20004, "Method not allowed")


def test_only_products_that_are_served_have_a_host(server):
    assert call(server, "GET", "/v1/Conversations", headers={"Host": "conversations.twilio.com"}).status == 200
    assert call(server, "GET", "/v1/Conversations", headers={"Host": "conversations.ie1.twilio.com"}).status == 200
    for host in ("messaging.twilio.com", "messaging.ie1.twilio.com", "twilio.com.evil.twilio.com"):
        answer = call(server, "GET", "/v1/Conversations", headers={"Host": host})
        assert (answer.status, answer.code) == (404, 20404)


# What comes back.


def test_attributes_come_back_byte_for_byte(server, conversation):
    path = f"/v1/Conversations/{conversation['sid']}"
    for text in (
        '{ "topic": "feedback" }', '{"b":1,"a":2,"b":3}', '{"é":"\\u00e9 \U0001f600 \\/"}', "  [1.0, 1e2, -0]  ",
        '"text"', "null", "{\n\t}\r\n", '{"a":"\\u0000"}', "12345678901234567890.123456789",
    ):
        assert call(server, "POST", path, {"Attributes": text})["attributes"] == text
        assert call(server, "GET", path)["attributes"] == text


def test_urls_stand_on_the_host_that_was_asked(server, conversation):
    path = f"/v1/Conversations/{conversation['sid']}"
    for host in ("chat.example.org", "chat.example.org:8443", f"localhost:{server.port}"):
        answer = call(server, "GET", path, headers={"Host": host})
        assert answer["url"] == f"http://{host}{path}"
        assert answer["links"]["messages"] == f"http://{host}{path}/Messages"
        meta = call(server, "GET", "/v1/Users?PageSize=1", headers={"Host": host})["meta"]
        assert meta["url"] == f"http://{host}/v1/Users?PageSize=1&Page=0"


def test_forwarded_headers_are_not_believed(server, conversation):
    path = f"/v1/Conversations/{conversation['sid']}"
    spoofed = {
        "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9",
        "Forwarded": "host=evil.example;proto=https", "X-Forwarded-Port": "444",
    }
    assert call(server, "GET", path, headers=spoofed)["url"] == f"{server.url}{path}"


def test_dates_are_whole_seconds_in_utc(server):
    made = make(server, "/v1/Conversations", {"DateCreated": "2020-01-01T10:00:00.987+02:00"})
    assert made["date_created"] == "2020-01-01T08:00:00Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["date_updated"])


def test_the_headers_of_every_answer(server):
    answers = [
        call(server, "GET", "/v1/Conversations?PageSize=1"), call(server, "GET", f"/v1/Conversations/{GONE}"),
        call(server, "GET", "/v1/Conversations", credentials=False), call(server, "PUT", "/v1/Conversations"),
    ]
    for answer in answers:
        assert re.fullmatch(r"RQ[0-9a-f]{32}", answer.headers["Twilio-Request-Id"])
        assert float(answer.headers["Twilio-Request-Duration"]) >= 0
        assert answer.headers["Content-Type"].replace(" ", "") == "application/json;charset=utf-8"
    assert len({answer.headers["Twilio-Request-Id"] for answer in answers}) == len(answers)
    for answer in answers[:2]:  # Whoever did not sign in has no requests to count.
        assert int(answer.headers["Twilio-Concurrent-Requests"]) >= 1


# Browsers.


def test_cors_answers_to_an_origin_only(server):
    plain = call(server, "GET", "/v1/Conversations?PageSize=1")
    assert not [name for name in plain.headers if name.lower().startswith("access-control-")]
    crossed = call(server, "GET", "/v1/Conversations?PageSize=1", headers={"Origin": "https://app.example.org"})
    assert crossed.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example.org")
    assert {"GET", "POST", "DELETE", "OPTIONS"} <= set(
        re.split(r",\s*", crossed.headers["Access-Control-Allow-Methods"])
    )
    assert "authorization" in crossed.headers["Access-Control-Allow-Headers"].lower()
    assert "origin" in crossed.headers["Vary"].lower()
    refused = call(server, "GET", "/v1/Users", credentials=False, headers={"Origin": "https://app.example.org"})
    assert refused.status == 401 and "Access-Control-Allow-Origin" in refused.headers


@pytest.mark.parametrize("path", ["/v1/Conversations", f"/v1/Conversations/{GONE}", "/v1/Services"])
def test_a_preflight_needs_no_credentials(server, path):
    answer = call(
        server, "OPTIONS", path, credentials=False,
        headers={"Origin": "https://app.example.org", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"]


# What goes in.


def test_unknown_parameters_are_ignored(server):
    made = make(server, "/v1/Conversations", {"friendlyName": "wrong case", "Colour": "blue", "FriendlyName": "kept"})
    assert made["friendly_name"] == "kept"


def test_an_empty_body_needs_no_content_type(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/v1/Conversations", headers={"Authorization": basic(*server.credentials)})
    response = connection.getresponse()
    assert response.status == 201, response.read()
    connection.close()


def test_a_form_may_name_its_charset(server):
    answer = call(
        server, "POST", "/v1/Conversations", body=b"FriendlyName=caf%C3%A9+au+lait",
        headers={"Content-Type": FORM.title() + "; charset=UTF-8"},
    )
    assert (answer.status, answer["friendly_name"]) == (201, "café au lait")


def test_booleans_and_enums_in_any_case(server):
    service = make(server, "/v1/Services", {"FriendlyName": "cases"})["sid"]
    configuration = f"/v1/Services/{service}/Configuration"
    for word, value in (("True", True), ("FALSE", False), ("tRuE", True), ("false", False)):
        assert call(server, "POST", configuration, {"ReachabilityEnabled": word})["reachability_enabled"] is value
    answer = call(server, "POST", configuration, {"ReachabilityEnabled": "perhaps"})
    assert answer.status == 400


def test_an_encoded_path_is_one_name(server):
    identity = "zoë/with?odd#signs&more@example.org"
    encoded = "zo%C3%AB%2Fwith%3Fodd%23signs%26more%40example.org"
    made = make(server, "/v1/Users", {"Identity": identity})
    assert call(server, "GET", f"/v1/Users/{encoded}")["sid"] == made["sid"]
    plus = make(server, "/v1/Users", {"Identity": "one+two"})
    assert call(server, "GET", "/v1/Users/one+two")["sid"] == plus["sid"], "a plus in a path is a plus"


# JSON bodies.


def test_json_is_refused_by_name(server):
    answer = call(
        server, "POST", "/v1/Conversations", body=b'{"FriendlyName":"x"}', headers={"Content-Type": "application/json"}
    )
    assert (answer.status, answer.code) == (400, 20001)
    assert "application/json" in answer["message"]


def test_json_is_accepted_where_the_operator_says_so(tmp_path):
    lenient = process.start(tmp_path / "data", "--lenient")
    try:
        def post(path, body):
            return call(lenient, "POST", path, body=body, headers={"Content-Type": "application/json"})

        made = post("/v1/Conversations", b'{"FriendlyName":"by JSON","Attributes":"{}"}')
        assert (made.status, made["friendly_name"]) == (201, "by JSON")
        member = post(f"/v1/Conversations/{made['sid']}/Participants", b'{"Identity":"alice"}')
        assert (member.status, member["identity"]) == (201, "alice")
        for wrong in (b"{", b"[]", b'"text"', b"\xff", b'{"a":' * 50_000, b"[" * 100_000):
            assert post("/v1/Conversations", wrong).status == 400
        assert call(lenient, "POST", "/v1/Conversations", {"FriendlyName": "by form"}).status == 201
    finally:
        lenient.stop()
