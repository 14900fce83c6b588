"""Media: files are uploaded to the media service, named in a message, and read without credentials for a while.

The official libraries know messages but not the media service, so that part is spoken as programs do: plain HTTP.
"""

import http.client
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from harness import contract, process, s3
from harness.clients import client, refused
from harness.raw import Answer, basic, call, make
from harness.waiting import until
from requests.structures import CaseInsensitiveDict

MEGABYTE = 1 << 20
PICTURE = bytes(range(256)) * 40
ADMIN = "an-admin-token-of-some-length"
MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
MEMBERS = [
    "sid", "service_sid", "date_created", "date_upload_updated", "date_updated", "links", "size", "content_type",
    "filename", "author", "category", "message_sid", "channel_sid", "url", "is_multipart_upstream",
]


class Bytes(Answer):
    """An answer whose body may be anything."""

    @property
    def json(self):
        return json.loads(self.text)


def ask(server, method, path, body=None, *, credentials=True, headers=None):
    """One request to the media service; a path may be a whole URL. A refusal must have Twilio's form."""
    url = urlsplit(path)
    sent = {"Authorization": basic(*server.credentials)} if credentials is True else {}
    if credentials not in (True, False):
        sent = {"Authorization": basic(*credentials)}
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        link.request(method, f"{url.path}?{url.query}" if url.query else url.path, body, sent | (headers or {}))
        response = link.getresponse()
        answer = Bytes(response.status, CaseInsensitiveDict(response.getheaders()), response.read())
    finally:
        link.close()
    assert answer.status < 500, answer.text
    if answer.status >= 400 and answer.status != 416:
        contract.check_problem(answer.status, answer.json)
    return answer


def upload(server, service_sid, body=PICTURE, kind="image/png", query="", **keywords):
    headers = {"Content-Type": kind}
    answer = ask(server, "POST", f"/v1/Services/{service_sid}/Media{query}", body, headers=headers, **keywords)
    assert answer.status == 201, answer.text
    return answer.json


def record(server, made):
    return ask(server, "GET", made["url"]).json


def direct(server, made):
    return record(server, made)["links"]["content_direct_temporary"]


def read(server, url, **headers):
    return ask(server, "GET", url, credentials=False, headers=headers)


def files(server):
    return [path for path in (server.data / "media").rglob("*") if path.is_file()]


@pytest.fixture
def start(tmp_path):
    """Starts servers and stops them in the end."""
    running = []

    def started(*flags, data=tmp_path / "data", variables=None, **settings):
        variables = {"TERTULIA_ADMIN_TOKEN": ADMIN, **(variables or {})}
        running.append(process.start(data, *flags, variables=variables, **settings))
        return running[-1]

    yield started
    for server in running:
        if not server._stopped:
            server.stop()


def default_service(server):
    return make(server, "/v1/Conversations")["chat_service_sid"]


def advance(server, time):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    answer = call(server, "POST", "/tertulia/v1/Clock", {"Advance": time}, credentials=False, headers=headers)
    assert answer.status == 200, answer.text


@pytest.mark.both
def test_a_file_is_uploaded_sent_and_read(server, form):
    made = upload(server, form.service_sid, query="?Category=media&Filename=cat.png")
    assert list(made) == MEMBERS
    url = f"/v1/Services/{form.service_sid}/Media/{made['sid']}"
    assert (made["url"], made["links"]) == (url, {"content": f"{url}/Content"})
    assert all(MICROSECONDS.fullmatch(made[name]) for name in MEMBERS if name.startswith("date_"))
    assert (made["size"], made["content_type"], made["filename"]) == (len(PICTURE), "image/png", "cat.png")
    assert (made["author"], made["category"], made["message_sid"]) == ("system", "media", None)

    conversation = form.conversation()
    message = conversation.messages.create(media_sid=made["sid"], body="look")
    assert message.media == [{
        "sid": made["sid"], "size": len(PICTURE), "content_type": "image/png", "filename": "cat.png",
        "category": "media",
    }]
    assert conversation.messages.list()[0].media == message.media
    seen = record(server, made)
    assert (seen["message_sid"], seen["channel_sid"]) == (message.sid, message.conversation_sid)

    content = ask(server, "GET", f"{url}/Content")
    assert (content.status, content.text, content.headers["Content-Type"]) == (200, PICTURE, "image/png")
    link = seen["links"]["content_direct_temporary"]
    assert link.startswith(f"{server.url}{url}/Content?")
    assert read(server, link).text == PICTURE
    part = read(server, link, Range="bytes=10-19")
    assert (part.status, part.text) == (206, PICTURE[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(PICTURE)}"

    with refused(409, 50508):
        conversation.messages.create(media_sid=made["sid"])
    with refused(404, 50507):
        conversation.messages.create(media_sid="ME" + "0" * 32)
    with refused(400, 50509):
        conversation.messages(message.sid).update(body="look again")
    message.delete()
    assert ask(server, "GET", url).status == 404
    assert read(server, link).status == 404
    if server.engine == "sqlite":
        until(lambda: not [one for one in files(server) if made["sid"] in one.name], "the file to go")


def test_nobody_sees_another_accounts_files(server, service):
    made = upload(server, service.service_sid)
    token = json.loads((server.data / "server.json").read_text())["admin_token"]
    headers = {"Authorization": f"Bearer {token}"}
    other = call(
        server, "POST", "/tertulia/v1/Accounts", {"FriendlyName": "other"}, credentials=False, headers=headers
    ).json
    theirs = (other["sid"], other["auth_token"])
    for path in (made["url"], f"{made['url']}/Content"):
        answer = ask(server, "GET", path, credentials=theirs)
        shown = path.removeprefix("/v1")
        assert (answer.status, answer.json["message"]) == (404, f"The requested resource {shown} was not found")
    path = f"/v1/Services/{service.service_sid}/Media"
    assert ask(server, "POST", path, PICTURE, credentials=theirs).json["code"] == 20404
    assert ask(server, "POST", "/v1/Services/default/Media", PICTURE).json["code"] == 20404
    assert ask(server, "POST", path, PICTURE, credentials=False).json["code"] == 20003
    body = json.dumps({"command": "get", "list": [{"media_sid": made["sid"]}]})
    assert ask(server, "POST", path + "Set", body, credentials=theirs).json["code"] == 20404
    told = ask(server, "POST", path + "Set", body, headers={"Content-Type": "application/json"}).json
    assert [(one["code"], one["media_record"]["sid"]) for one in told] == [(200, made["sid"])]
    assert list(told[0]["media_record"]) == MEMBERS


def test_the_hosts_of_the_media_service(server, service):
    for scheme, host in (("https", "mcs.us1.twilio.com"), ("http", "files.example.org")):
        made = upload(server, service.service_sid)
        seen = ask(server, "GET", made["url"], headers={"Host": host}).json
        assert seen["links"]["content_direct_temporary"].startswith(f"{scheme}://{host}{made['url']}/Content?")
    for host, path in [
        ("mcs.us1.twilio.com", "/v1/Services"), ("conversations.twilio.com", made["url"]),
    ]:
        answer = ask(server, "GET", path, headers={"Host": host})
        assert answer.status == 404 and "are served here" in answer.json["message"]


def test_a_browsers_form_and_what_is_asked_before(server, service):
    path = f"/v1/Services/{service.service_sid}/Media"
    form = (
        '--b\r\nContent-Disposition: form-data; name="p.png"; filename="p.png"\r\nContent-Type: image/png\r\n\r\n'
    ).encode() + PICTURE + b"\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    made = upload(server, service.service_sid, form, kind)
    assert (made["filename"], made["content_type"], made["size"]) == ("p.png", "image/png", len(PICTURE))
    link = direct(server, made)
    assert read(server, link, Origin="https://app.example").headers["Access-Control-Allow-Origin"] == "*"
    asked = ask(server, "OPTIONS", path, credentials=False, headers={"Origin": "https://app.example"})
    assert asked.status == 200 and "Content-Type" in asked.headers["Access-Control-Allow-Headers"]


def test_whatever_a_file_claims_to_be_browsers_do_not_run_it(server, service):
    script = b"<script>alert(1)</script>"
    for kind, name in [
        ("text/html", "a.html"), ("image/svg+xml", "a.svg"), ("application/xhtml+xml", '"; x="\r\nSet-Cookie: a=b'),
    ]:
        made = upload(server, service.service_sid, script, kind, f"?Filename={quote(name)}")
        headers = read(server, direct(server, made)).headers
        assert headers["Content-Disposition"].startswith("attachment"), headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "Set-Cookie" not in headers
    made = upload(server, service.service_sid, script, "image/png", "?Filename=..%2F..%2Fpasswd")
    assert made["filename"] == "passwd"
    assert read(server, direct(server, made)).headers["Content-Type"] == "image/png"


def test_the_direct_address_is_signed_and_short_lived(start):
    server = start("--clock", "manual")
    service = default_service(server)
    made, other = upload(server, service), upload(server, service)
    make(server, f"{'/v1/Conversations/' + make(server, '/v1/Conversations')['sid']}/Messages",
         {"MediaSid": made["sid"]})
    link = direct(server, made)
    expires = re.search(r"Expires=(\d+)", link)[1]
    last = "0" if link[-1] != "0" else "1"
    for wrong in (
        link.replace(made["sid"], other["sid"]), link.replace(expires, str(int(expires) + 1)), link[:-1] + last,
        link.split("&")[0] + "&Signature=", link.replace("Expires", "Expired"),
    ):
        assert (read(server, wrong).status, read(server, wrong).json["code"]) == (403, 20403), wrong
    advance(server, "PT4M59S")
    assert read(server, link).status == 200
    advance(server, "PT1S")
    assert (read(server, link).status, read(server, link).json["code"]) == (403, 20403)
    assert read(server, direct(server, made)).text == PICTURE


def test_what_no_message_carries_goes(start):
    server = start("--clock", "manual")
    service = default_service(server)
    made = upload(server, service)
    assert len(files(server)) == 1
    advance(server, "PT4M59S")
    assert ask(server, "GET", made["url"]).status == 200
    advance(server, "PT1M1S")
    assert ask(server, "GET", made["url"]).status == 404
    until(lambda: not files(server), "the file to go")
    server.stop()
    longer = server.data.parent / "longer.toml"
    longer.write_text("[media]\nunattached_seconds = 3600\n")
    server = start("--clock", "manual", "--config", str(longer))
    made = upload(server, service)
    advance(server, "PT59M")
    assert ask(server, "GET", made["url"]).status == 200
    advance(server, "PT1M")
    assert ask(server, "GET", made["url"]).status == 404


def half(server, service, size=4 * MEGABYTE, announced=8 * MEGABYTE):
    """An upload that stops before all that it announced was sent, and stays open."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    link.putrequest("POST", f"/v1/Services/{service}/Media")
    link.putheader("Authorization", basic(*server.credentials))
    link.putheader("Content-Length", str(announced))
    link.endheaders()
    link.send(b"x" * size)
    return link


def test_an_upload_that_was_killed_leaves_nothing_behind(start):
    server = start("--clock", "manual")
    service = default_service(server)
    kept = upload(server, service)
    make(server, f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}/Messages",
         {"MediaSid": kept["sid"]})
    link = half(server, service)
    begun = until(lambda: [one for one in files(server) if "#" in one.name], "the upload to begin")
    assert len(begun) == 1
    server.kill()
    link.close()
    assert begun[0].exists()
    server = start("--clock", "manual")
    advance(server, "PT3H")
    until(lambda: not begun[0].exists(), "what was begun to go")
    assert [one.name for one in files(server)] == [kept["sid"]]
    assert ask(server, "GET", f"{kept['url']}/Content").text == PICTURE


def test_an_upload_that_breaks_off_leaves_no_file(start):
    server = start()
    link = half(server, default_service(server))
    until(lambda: files(server), "the upload to begin")
    link.close()
    until(lambda: not files(server), "what was begun to go")


# What a process may keep in memory.

UPLOADER = """
import http.client, sys
port, path, authorization, kind, size = sys.argv[1:]
size = int(size)
head, tail = b"", b""
if kind.startswith("multipart"):
    head = b'--b\\r\\nContent-Disposition: form-data; name="f"; filename="f"\\r\\n\\r\\n'
    tail = b"\\r\\n--b--\\r\\n"
def body():
    yield head
    for _ in range(size >> 16):
        yield bytes(range(256)) * 256
    yield tail
link = http.client.HTTPConnection("127.0.0.1", int(port), timeout=300)
headers = {"Authorization": authorization, "Content-Type": kind, "Content-Length": str(len(head) + size + len(tail))}
link.request("POST", path, body(), headers)
answer = link.getresponse()
print(answer.read().decode())
"""


def memory(server, name):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


def upload_large(server, service, kind, size):
    """From a process of its own; answers with the record, and with what the server's memory rose by at most."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    before = memory(server, "VmHWM")
    path = f"/v1/Services/{service}/Media"
    done = subprocess.run(
        [sys.executable, "-c", UPLOADER, str(server.port), path, basic(*server.credentials), kind, str(size)],
        capture_output=True, text=True, timeout=300, check=True,
    )
    return json.loads(done.stdout), memory(server, "VmHWM") - before


@pytest.mark.parametrize("kind", ["application/octet-stream", "multipart/form-data; boundary=b"])
def test_150_megabytes_take_no_more_than_16_of_memory(start, kind):
    server = start()
    service = default_service(server)
    upload(server, service)
    made, rose = upload_large(server, service, kind, 150 * MEGABYTE)
    assert made["size"] == 150 * MEGABYTE
    assert rose < 16 * MEGABYTE, f"{rose / MEGABYTE:.1f} MB"
    assert [one.stat().st_size for one in files(server) if one.name == made["sid"]] == [150 * MEGABYTE]

    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    before = memory(server, "VmHWM")
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    url = urlsplit(direct(server, made))
    link.request("GET", f"{url.path}?{url.query}")
    response, size = link.getresponse(), 0
    while part := response.read(MEGABYTE):
        size += len(part)
    assert size == 150 * MEGABYTE
    assert memory(server, "VmHWM") - before < 16 * MEGABYTE


def test_one_byte_more_is_too_large_and_lenient_mode_has_a_limit_too(start, tmp_path):
    server = start()
    service = default_service(server)
    announced = half(server, service, 0, 150 * MEGABYTE + 1)
    assert json.loads(announced.getresponse().read())["code"] == 50512
    assert not files(server)
    # Not announced, and so found out on the way.
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": basic(*server.credentials), "Transfer-Encoding": "chunked"}
    chunks = (bytes(MEGABYTE) for _ in range(151))
    link.request("POST", f"/v1/Services/{service}/Media", chunks, headers, encode_chunked=True)
    assert json.loads(link.getresponse().read())["code"] == 50512
    until(lambda: not files(server), "what was begun to go")
    server.stop()
    small = tmp_path / "small.toml"
    small.write_text("[media]\nmax_megabytes = 2\n")
    server = start("--lenient", "--config", str(small))
    told = ask(server, "POST", f"/v1/Services/{service}/Media", bytes(2 * MEGABYTE + 1))
    assert (told.status, told.json["code"]) == (413, 20413)
    assert upload_large(server, service, "text/plain", 2 * MEGABYTE)[0]["size"] == 2 * MEGABYTE


def test_files_in_a_bucket(start):
    with s3.running() as (bucket, variables):
        server = start("--clock", "manual", variables=variables)
        service = default_service(server)
        small = upload(server, service)
        large, rose = upload_large(server, service, "application/octet-stream", 23 * MEGABYTE)
        assert rose < 16 * MEGABYTE, f"{rose / MEGABYTE:.1f} MB"
        assert sorted(map(len, bucket.objects.values())) == [len(PICTURE), 23 * MEGABYTE]
        assert files(server) == []
        assert ask(server, "GET", f"{small['url']}/Content").text == PICTURE
        link = direct(server, large)
        whole = read(server, link).text
        assert whole == bytes(range(256)) * (23 * MEGABYTE // 256)
        assert read(server, link, Range="bytes=5242870-5242890").text == whole[5242870:5242891]
        link_of_half = half(server, service, 6 * MEGABYTE)
        until(lambda: bucket.uploads, "the upload to begin")
        link_of_half.close()
        until(lambda: not bucket.uploads, "what was begun to be given up")
        room = f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}"
        message = make(server, f"{room}/Messages", {"MediaSid": small["sid"]})
        advance(server, "PT6M")
        until(lambda: len(bucket.objects) == 1, "what no message carries to go")
        client(server).conversations.v1.conversations(room.split("/")[-1]).messages(message["sid"]).delete()
        until(lambda: not bucket.objects, "the last to go")
        assert bucket.refused == []
        assert {one[0] for one in bucket.seen} >= {"PUT", "GET", "HEAD", "POST"}
        server.stop()

    with s3.running() as (bucket, variables):
        wrong = {**process.PINNED, **variables, "TERTULIA_S3_SECRET": "another", "TERTULIA_METRICS_LISTEN": "off"}
        data = server.data.parent / "other"
        told = process.run("serve", "--listen", "127.0.0.1:0", "--data", str(data), variables=wrong)
        assert told.returncode != 0 and "cannot keep files where media are to be kept" in told.stderr
        assert "another" not in told.stderr


@pytest.mark.both
def test_of_many_messages_at_once_one_gets_the_file(server, service):
    made = upload(server, service.service_sid)
    rooms = [service.conversation().fetch().sid for _ in range(4)]
    codes, threads = [], []

    def send(room):
        path = f"{service.path}/Conversations/{room}/Messages"
        answer = call(server, "POST", path, {"MediaSid": made["sid"]})
        codes.append(answer.json.get("code", answer.status))

    for room in rooms * 3:
        threads.append(threading.Thread(target=send, args=(room,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201] + [50508] * 11
