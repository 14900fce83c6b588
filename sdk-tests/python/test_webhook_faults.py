"""Webhooks whose receivers fail: tried again where that is asked for, in order, under one token, and then given up.

The servers run on a clock that the tests move, so that no test waits for another try: moving it is answered when
everything that fell due on the way has been tried, each at its own time.
"""

import gzip
import json
import socket
import sqlite3
import ssl
import subprocess
from contextlib import closing, nullcontext

import pytest
from harness import databases, process
from harness.raw import call, make
from harness.receiver import Receiver, answer, endless_body, endless_head, hang, junk, reset, slow_body
from harness.waiting import until

ADMIN = "an-admin-token-of-some-length"
NOBODY = "http://127.0.0.1:9"
VARIABLES = {
    "TERTULIA_ADMIN_TOKEN": ADMIN,
    "TERTULIA_WEBHOOK_ALLOW_PRIVATE": "true",
    # What an environment says of proxies is no concern of webhooks: all tests here run with one that is not there.
    **{name: NOBODY for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")},
}
ENABLED = {"X-Twilio-Webhook-Enabled": "true"}
DELIVERED, DEAD = 1, 2


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = process.start(tmp_path_factory.mktemp("faults") / "data", "--clock", "manual", variables=VARIABLES)
    yield running
    running.stop()


@pytest.fixture
def receiver():
    with Receiver() as listening:
        yield listening


def move(server, advance):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    moved = call(server, "POST", "/tertulia/v1/Clock", {"Advance": advance}, credentials=False, headers=headers)
    assert moved.status == 200, moved.text


def conversation(server, url, **form):
    """A conversation whose messages are told at ``url``, as the path of its messages."""
    path = f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}"
    hook = {"Target": "webhook", "Configuration.Url": url, "Configuration.Filters": "onMessageAdded", **form}
    make(server, f"{path}/Webhooks", hook)
    return f"{path}/Messages"


def say(server, messages, body):
    return make(server, messages, {"Body": body}, headers=ENABLED)


def kept(server, url):
    """What the database says of the deliveries to a URL: status, tries, and the log of the tries."""
    with closing(sqlite3.connect(f"file:{server.data / 'tertulia.db'}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT status, tries, log FROM deliveries WHERE url = ? ORDER BY number", (url,))
        return [(status, tries, json.loads(log or "[]")) for status, tries, log in found]


BOMB = gzip.compress(b"\0" * 64 * 1024 * 1024)
FAULTS = {
    "500": answer(500), "503": answer(503), "404": answer(404), "429": answer(429), "302": answer(302, Location="/x"),
    "hanging": hang, "slow body": slow_body, "endless head": endless_head, "junk": junk, "reset": reset,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_is_tried_again_under_one_token(server, receiver, fault):
    url = receiver.url("/hook", "rc=3&rp=all&tt=400")
    receiver.will("/hook", FAULTS[fault], FAULTS[fault])
    messages = conversation(server, url)
    say(server, messages, "first")
    until(lambda: receiver.at("/hook"), "the first try")
    say(server, messages, "second")
    move(server, "PT3S")
    assert len(receiver.at("/hook")) == 1, "another try comes after 3.75 seconds at the earliest"
    move(server, "PT1H")
    told = receiver.at("/hook")
    assert [(one["Body"], one["RetryCount"]) for one in told] == [
        ("first", "0"), ("first", "1"), ("first", "2"), ("second", "0"),
    ]
    assert len({one.token for one in told[:3]}) == 1 and told[3].token != told[0].token
    (status, tries, log), second = kept(server, url)
    assert (status, tries, len(log)) == (DELIVERED, 3, 3) and second[:2] == (DELIVERED, 1)
    failed, arrived = log[0], log[2]
    assert arrived["status"] == 200 and failed.get("status", fault) in (200, int(fault) if fault.isdigit() else fault)
    assert receiver.at("/x") == [], "no redirect is followed"


def test_a_receiver_that_is_down_hears_of_it_when_it_is_up_again(server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hook#rc=9"
    messages = conversation(server, url)
    for body in ("first", "second"):
        say(server, messages, body)
    move(server, "PT5S")
    until(lambda: kept(server, url)[0][1] == 2, "two tries")
    assert kept(server, url)[0][2][0]["error"] == "no connection could be made"
    with Receiver(port=port) as receiver:
        move(server, "PT1H")
        assert [(one["Body"], one["RetryCount"]) for one in receiver.told] == [("first", "2"), ("second", "0")]


def test_who_says_when_to_come_back_is_heard(server, receiver):
    messages = conversation(server, receiver.url("/hook", "rc=2&rp=4xx"))
    receiver.will("/hook", answer(429, Retry_After=100))
    say(server, messages, "hello")
    until(lambda: receiver.told, "the first try")
    move(server, "PT99S")
    assert len(receiver.told) == 1
    move(server, "PT1S")
    assert [one["RetryCount"] for one in receiver.told] == ["0", "1"]


def test_after_the_last_try_it_is_given_up_and_the_lane_goes_on(server, receiver):
    url = receiver.url("/hook", "rc=2&rp=5xx")
    receiver.will("/hook", *[answer(500, b"no")] * 3)
    messages = conversation(server, url)
    say(server, messages, "lost")
    say(server, messages, "found")
    move(server, "P1D")
    assert [one["Body"] for one in receiver.told] == ["lost"] * 3 + ["found"]
    (dead, tries, log), (delivered, _, _) = kept(server, url)
    assert (dead, tries, delivered) == (DEAD, 3, DELIVERED)
    assert [(one["status"], one["response_body"]) for one in log] == [(500, "no")] * 3


def test_by_default_a_webhook_is_told_once(server, receiver):
    url = receiver.url("/hook")
    receiver.will("/hook", answer(500))
    messages = conversation(server, url)
    say(server, messages, "lost")
    say(server, messages, "found")
    move(server, "P1D")
    assert [one["Body"] for one in receiver.told] == ["lost", "found"]
    assert [status for status, _, _ in kept(server, url)] == [DEAD, DELIVERED]


@pytest.mark.parametrize("behaviour", [endless_body, answer(200, BOMB, Content_Encoding="gzip")])
def test_what_comes_with_a_good_answer_is_cut_and_not_unpacked(server, receiver, behaviour):
    url = receiver.url("/hook")
    receiver.will("/hook", behaviour)
    say(server, conversation(server, url), "hello")
    until(lambda: kept(server, url)[0][0] == DELIVERED, "the delivery to be done")
    log = kept(server, url)[0][2]
    assert len(log) == 1 and 0 < len(log[0]["response_body"]) <= 4096


def test_a_long_lane_goes_on_without_a_pause(server, receiver):
    messages = conversation(server, receiver.url("/hook", "tt=1000"))
    receiver.will("/hook", hang)
    bodies = [str(number) for number in range(150)]
    for body in bodies:
        say(server, messages, body)
    until(lambda: len(receiver.told) == len(bodies), "all of them", seconds=5)
    assert [one["Body"] for one in receiver.told] == bodies


def test_other_lanes_do_not_wait_for_one_that_fails(server, receiver):
    url = receiver.url("/hook", "rc=5&rp=all")
    receiver.will("/hook", answer(500))
    failing, other = conversation(server, url), conversation(server, url)
    say(server, failing, "late")
    until(lambda: receiver.told, "the first try")
    say(server, other, "at once")
    until(lambda: len(receiver.told) == 2, "the other conversation's message")
    move(server, "PT1H")
    assert [one["Body"] for one in receiver.told] == ["late", "at once", "late"]


def test_an_endpoint_that_hangs_delays_no_other(server, receiver):
    with Receiver() as hanging:
        hanging.usual["/hook"] = hang
        configuration = "/v1/Configuration/Webhooks"
        hook = {"PostWebhookUrl": hanging.url("/hook", "tt=15000"), "Filters": "onConversationAdded"}
        assert call(server, "POST", configuration, hook).status == 200
        try:
            for _ in range(600):
                make(server, "/v1/Conversations", headers=ENABLED)
            until(lambda: hanging.told, "the first of those who hang")
            for number in range(20):
                say(server, conversation(server, receiver.url("/hook")), str(number))
            until(lambda: len(receiver.told) == 20, "the others", seconds=3)
            assert len(hanging.told) < 20, "few at a time go where nobody answers"
        finally:
            call(server, "POST", configuration, {"PostWebhookUrl": "", "Filters": ""})


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_settings_hold_where_a_url_says_nothing(tmp_path, receiver, engine):
    file = tmp_path / "tertulia.toml"
    file.write_text('[webhooks]\nretry_count = 2\nretry_on = ["5xx"]\ntimeout_milliseconds = 400\n')
    with databases.database() if engine == "postgres" else nullcontext() as url:
        flags = ["--clock", "manual", "--config", str(file)]
        server = process.start(tmp_path / "data", *flags, database=url, engine=engine, variables=VARIABLES)
        receiver.will("/hook", answer(500), answer(502), answer(503))
        receiver.will("/not", answer(404))
        messages = conversation(server, receiver.url("/hook"))
        say(server, messages, "first")
        say(server, messages, "second")
        say(server, conversation(server, receiver.url("/not")), "once")
        until(lambda: len(receiver.told) == 2, "the first tries")
        # What waits stands on disk.
        server.stop()
        server = process.start(tmp_path / "data", *flags, database=url, engine=engine, variables=VARIABLES)
        move(server, "P1D")
        told = [(one["Body"], one["RetryCount"]) for one in receiver.at("/hook")]
        assert told == [("first", "0"), ("first", "1"), ("first", "2"), ("second", "0")]
        assert len(receiver.at("/not")) == 1
        server.stop()


def test_a_stop_writes_down_what_is_being_sent(tmp_path, receiver):
    server = process.start(tmp_path / "data", "--clock", "manual", variables=VARIABLES)
    url = receiver.url("/hook", "tt=1000")
    receiver.will("/hook", hang)
    messages = conversation(server, url)
    say(server, messages, "first")
    say(server, messages, "second")
    until(lambda: receiver.told, "the first try")
    server.stop()
    assert [(status, tries) for status, tries, _ in kept(server, url)] == [(DEAD, 1), (0, 0)]
    server = process.start(tmp_path / "data", "--clock", "manual", variables=VARIABLES)
    until(lambda: len(receiver.told) == 2, "what was left, without waiting for a lease")
    server.stop()


# Certificates ──────────────────────────────────────────────────────────────


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and certificates by it: good, for another name, expired; and one that nobody has signed."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=An authority")
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nrand_serial = yes\nnew_certs_dir = .\n"
        "certificate = ca.pem\nprivate_key = ca.key\ndefault_md = sha256\npolicy = any\nunique_subject = no\n"
        "copy_extensions = copy\n[any]\ncommonName = supplied\n"
    )
    for name, host, until_when in (
        ("good", "localhost", "20400101000000Z"), ("wrong name", "example.com", "20400101000000Z"),
        ("expired", "localhost", "20210101000000Z"),
    ):
        asked = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
        openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", *asked)
        dates = ("-startdate", "20200101000000Z", "-enddate", until_when)
        signed = ("-batch", "-notext", "-config", "ca.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem")
        openssl(folder, "ca", *signed, *dates)
    own = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    openssl(folder, "req", "-x509", *key, "-keyout", "self-signed.key", "-out", "self-signed.pem", *own)
    return folder


def test_certificates_are_verified(tmp_path, certificates):
    variables = {**VARIABLES, "SSL_CERT_FILE": str(certificates / "ca.pem")}
    server = process.start(tmp_path / "data", "--clock", "manual", variables=variables)
    for name in ("good", "wrong name", "expired", "self-signed"):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
        with Receiver(tls=tls) as receiver:
            url = receiver.url("/hook", "rc=1", host="localhost")
            say(server, conversation(server, url), "secret")
            move(server, "PT1H")
            (status, tries, log), = kept(server, url)
            if name == "good":
                assert (status, tries, len(receiver.told)) == (DELIVERED, 1, 1), log
            else:
                assert (status, tries, receiver.told) == (DEAD, 2, []), name
                assert {one["error"] for one in log} == {"no connection could be made"}
    server.stop()
