"""Hostile input: nothing a caller sends makes the server fail, and it answers the next caller all the same.

Run on both databases, because they differ in what text they can hold.
"""

import base64
import http.client
import json

import pytest
from harness.raw import FORM, basic, call, make, talk

pytestmark = pytest.mark.both

HUGE = 10**30


@pytest.fixture
def paths(server):
    """A conversation with a participant and a message, a user and a role: the path of each."""
    conversation = "/v1/Conversations/" + make(server, "/v1/Conversations")["sid"]
    participant = make(server, f"{conversation}/Participants", {"Identity": "victim"})
    message = make(server, f"{conversation}/Messages", {"Body": "hi"})
    role = make(server, "/v1/Roles", {"FriendlyName": "r", "Type": "service", "Permission": "joinConversation"})
    return {
        "conversation": conversation,
        "participant": f"{conversation}/Participants/{participant['sid']}",
        "message": f"{conversation}/Messages/{message['sid']}",
        "user": "/v1/Users/victim",
        "membership": f"/v1/Users/victim/Conversations/{conversation.rsplit('/', 1)[1]}",
        "role": f"/v1/Roles/{role['sid']}",
    }


@pytest.fixture(autouse=True)
def answers_afterwards(server):
    yield
    assert server.is_ready()
    assert call(server, "GET", "/v1/Conversations?PageSize=1").status == 200


def send(server, body, path="/v1/Conversations", content_type=FORM):
    return call(server, "POST", path, body=body, headers={"Content-Type": content_type})


def test_a_body_without_end(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": basic(*server.credentials), "Content-Type": FORM}
    try:
        connection.request("POST", "/v1/Conversations", b"FriendlyName=" + b"x" * (32 << 20), headers)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionError):
        status = 413
    assert 400 <= status < 500
    connection.close()


def test_a_promise_of_a_body_without_end(server):
    request = f"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(*server.credentials)}\r\n"
    request += f"Content-Type: {FORM}\r\nContent-Length: {HUGE}\r\n\r\nA=b"
    assert not talk(server, request.encode()).startswith(b"HTTP/1.1 5")


@pytest.mark.parametrize("header", ["X-Padding: " + "x" * (1 << 20), "\r\n".join(f"X-{n}: y" for n in range(5000))])
def test_headers_without_end(server, header):
    answer = talk(server, f"GET /v1/Conversations HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_a_path_without_end(server):
    answer = talk(server, b"GET /v1/Conversations/" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_a_hundred_thousand_keys(server):
    assert send(server, "&".join(f"k{n}=v" for n in range(100_000))).status in (201, 400, 413)
    assert send(server, "&" * 100_000).status in (201, 400, 413)
    repeated = "&".join(["Permission=sendMessage"] * 20_000)
    role = send(server, f"FriendlyName=r&Type=conversation&{repeated}", "/v1/Roles")
    assert role.status in (201, 400, 413)


@pytest.mark.parametrize("deep", ["[" * 2000 + "]" * 2000, '{"a":' * 600 + "1" + "}" * 600, "[" * 4000])
def test_json_without_bottom(server, paths, deep):
    for path in (paths["conversation"], paths["participant"], paths["message"], paths["user"]):
        answer = call(server, "POST", path, {"Attributes": deep})
        assert (answer.status, answer.code) == (400, 50304)


NUL_TARGETS = [
    (None, "/v1/Conversations", ["FriendlyName", "UniqueName", "Attributes", "MessagingServiceSid", "State",
                                 "Timers.Inactive", "DateCreated", "Bindings.Email.Address", "Bindings.Email.Name"]),
    ("conversation", "", ["FriendlyName", "UniqueName", "Attributes", "State", "Timers.Closed"]),
    ("conversation", "/Participants", ["Identity", "MessagingBinding.Address", "MessagingBinding.ProxyAddress",
                                       "MessagingBinding.ProjectedAddress"]),
    ("participant", "", ["Attributes", "Identity", "MessagingBinding.ProxyAddress", "RoleSid",
                         "MessagingBinding.ProjectedAddress", "LastReadMessageIndex", "LastReadTimestamp"]),
    ("conversation", "/Messages", ["Body", "Author", "Attributes"]),
    ("message", "", ["Body", "Author", "Attributes", "DateUpdated"]),
    (None, "/v1/Users", ["Identity"]),
    ("user", "", ["FriendlyName", "Attributes", "RoleSid"]),
    ("membership", "", ["NotificationLevel", "LastReadMessageIndex", "LastReadTimestamp"]),
    (None, "/v1/Services", ["FriendlyName"]),
    ("role", "", ["Permission"]),
]


@pytest.mark.parametrize("poison", ["a%00b", "%00", "a%FFb", "%C3%28", "%ED%A0%80"])
def test_text_that_is_no_text(server, paths, poison):
    for key, tail, parameters in NUL_TARGETS:
        path = (paths[key] if key else "") + tail
        for parameter in parameters:
            answer = send(server, f"{parameter}={poison}", path)
            assert 400 <= answer.status < 500, f"{path} took {parameter}={poison}: {answer.text}"


@pytest.mark.parametrize("poison", ["a%00b", "%00", "a%FFb", "%C3%28", "%", "%zz", "..%2F..%2Fetc", "%2e%2e"])
def test_paths_that_are_no_names(server, paths, poison):
    conversation = paths["conversation"]
    for path in (
        f"/v1/Conversations/{poison}", f"/v1/Users/{poison}", f"{conversation}/Participants/{poison}",
        f"{conversation}/Messages/{poison}", f"/v1/Services/{poison}", f"/v1/Services/{poison}/Users",
        f"/v1/Roles/{poison}", f"/v1/Users/{poison}/Conversations", f"/v1/Users/victim/Conversations/{poison}",
        f"/v1/Conversations/{poison}/Messages",
    ):
        for method in ("GET", "POST"):
            assert 400 <= call(server, method, path).status < 500


@pytest.mark.parametrize("poison", ["%00", "%FF", "a%00b"])
def test_queries_that_are_no_text(server, paths, poison):
    for query in ("State", "StartDate", "PageToken", "PageSize", "Page"):
        assert call(server, "GET", f"/v1/Conversations?{query}={poison}").status in (200, 400)
    assert call(server, "GET", f"{paths['conversation']}/Messages?Order={poison}").status in (200, 400)


@pytest.mark.parametrize("kind", [
    "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json", "nonsense", ";;;", "/",
])
def test_other_content_types(server, kind):
    answer = send(server, b"FriendlyName=x", content_type=kind)
    assert (answer.status, answer.code) == (400, 20001)


@pytest.mark.parametrize("size", ["0", "-1", "abc", "", "1.5", "1e9", str(HUGE), "0x10"])
def test_page_sizes_that_are_none(server, size):
    answer = call(server, "GET", f"/v1/Conversations?PageSize={size}")
    assert answer.status == 200 or (answer.status, answer.code) == (400, 20001)


@pytest.mark.parametrize("page", ["-1", "abc", str(HUGE), str(2**63)])
def test_page_numbers_that_are_none(server, page):
    assert call(server, "GET", f"/v1/Conversations?PageSize=1&Page={page}").status in (200, 400)


def token_of(value):
    return "PT" + base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("token", [
    "x", "PT", "PT!!!", "PT" + "A" * 20_000, token_of({}), token_of([]), token_of({"or": HUGE}), token_of("x" * 5000),
    token_of([[[]]]), "PTeyJvcm", "%50%54%00",
])
def test_forged_tokens(server, paths, token):
    for path in ("/v1/Conversations", "/v1/Users", "/v1/Roles", "/v1/Services", f"{paths['conversation']}/Messages"):
        answer = call(server, "GET", f"{path}?PageSize=1&PageToken={token}")
        assert 400 <= answer.status < 500


def test_tokens_of_other_lists(server, paths):
    make(server, "/v1/Conversations")
    make(server, "/v1/Users", {"Identity": "second" + paths["conversation"][-6:]})
    conversations = call(server, "GET", "/v1/Conversations?PageSize=1")["meta"]["next_page_url"]
    token = conversations.rsplit("PageToken=", 1)[1]
    for path in ("/v1/Users", "/v1/Roles", "/v1/Services", f"{paths['conversation']}/Messages"):
        assert call(server, "GET", f"{path}?PageSize=1&PageToken={token}").status in (200, 400)
    for end in range(2, len(token), 3):
        assert call(server, "GET", f"/v1/Conversations?PageSize=1&PageToken={token[:end]}").status in (200, 400)


@pytest.mark.parametrize("number", [str(HUGE), "-1", str(-HUGE), "1e400", "NaN", "0x7f", "١٢"])
def test_numbers_that_are_none(server, paths, number):
    for path in (paths["participant"], paths["membership"]):
        answer = call(server, "POST", path, {"LastReadMessageIndex": number})
        assert (answer.status, answer.code) == (400, 50421)


@pytest.mark.parametrize("number", [2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64])
def test_numbers_at_the_edges(server, paths, number):
    for path in (paths["participant"], paths["membership"]):
        answer = call(server, "POST", path, {"LastReadMessageIndex": str(number)})
        assert answer.status in (200, 400)
    assert call(server, "GET", paths["membership"])["unread_messages_count"] in (None, 0)


@pytest.mark.parametrize("date", [
    "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "-9999-01-01T00:00:00Z", "99999-01-01T00:00:00Z",
    "2020-01-01T25:00:00Z", "2020-01-01", "1577836800", "2016-12-31T23:59:60Z", "x" * 10_000,
])
def test_dates_at_the_edges(server, paths, date):
    for path, parameter in (
        (paths["conversation"], "DateCreated"), (paths["participant"], "LastReadTimestamp"),
        (paths["message"], "DateUpdated"), (paths["membership"], "LastReadTimestamp"),
    ):
        assert call(server, "POST", path, {parameter: date}).status in (200, 400)
    assert call(server, "GET", f"/v1/Conversations?StartDate={date}").status in (200, 400)


@pytest.mark.parametrize("timer", ["P9999999999Y", "PT" + "9" * 400 + "S", "-PT1H", "P", "PT", "PT1.5M", "P1Y2M3DT4H"])
def test_durations_at_the_edges(server, paths, timer):
    for parameter in ("Timers.Inactive", "Timers.Closed"):
        assert call(server, "POST", paths["conversation"], {parameter: timer}).status in (200, 400)
        assert call(server, "POST", "/v1/Conversations", {parameter: timer}).status in (201, 400)


@pytest.mark.parametrize("noise", [
    b"\x00" * 100, b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100,
    b"GET / HTTP/9.9\r\n\r\n", b"GET /v1/Conversations HTTP/1.1\r\n\r\n", b"\r\n" * 1000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://evil.example/v1/Conversations HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/Conversations HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /v1/Conversations HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
])
def test_noise_instead_of_http(server, noise):
    answer = talk(server, noise)
    assert answer == b"" or not answer.split(b" ", 2)[1].startswith(b"5")


@pytest.mark.parametrize("chunks", [
    b"zz\r\nFriendlyName=x\r\n0\r\n\r\n", b"ffffffffffffffffff\r\nx\r\n", b"5\r\nab", b"-1\r\nx\r\n0\r\n\r\n",
    b"3\r\na=b\r\n0\r\nTrailer: x", b"",
])
def test_broken_chunks(server, chunks):
    head = f"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(*server.credentials)}\r\n"
    head += f"Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = talk(server, head.encode() + chunks)
    assert answer == b"" or not answer.split(b" ", 2)[1].startswith(b"5")


@pytest.mark.parametrize("header", [b"Content-Length: -1", b"Content-Length: 5\r\nContent-Length: 6",
                                    b"Content-Length: 3\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: nonsense"])
def test_bodies_of_two_minds(server, header):
    head = f"POST /v1/Conversations HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(*server.credentials)}\r\n".encode()
    answer = talk(server, head + header + b"\r\n\r\na=b")
    assert answer == b"" or not answer.split(b" ", 2)[1].startswith(b"5")
