"""Deliveries as an operator sees them: listed, shown, watched, sent again, without a secret anywhere."""

import json
import re
import signal
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness import process
from harness.raw import basic, call, make
from harness.waiting import until
from twilio.request_validator import RequestValidator

LIST = "/tertulia/v1/Webhooks/Deliveries"
LISTEN = {"TERTULIA_WEBHOOK_ALLOW_PRIVATE": "true"}
HEARD = {"X-Twilio-Webhook-Enabled": "true"}
USER, PASSWORD = "canary-user", "canary-password"
SECRETS = [process.AUTH_TOKEN, PASSWORD, basic(USER, PASSWORD).removeprefix("Basic ")]


class Receiver:
    """Listens on loopback, keeps what it receives, and answers with ``status``."""

    def __init__(self):
        self.received, self.status = [], 200
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                desk.received.append((self.headers, body))
                self.send_response(desk.answer(self, body))
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request, body):
        return self.status

    def url(self, credentials=""):
        return f"http://{credentials}127.0.0.1:{self.server.server_port}/hook"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def house(data):
    server = process.start(data, "--metrics-listen", "127.0.0.1:0", variables=LISTEN)
    yield server
    server.stop()


def listen(server, receiver):
    """Lets the account's webhook hear of messages, and answers with where to say them."""
    hook = {"PostWebhookUrl": receiver.url(f"{USER}:{PASSWORD}@"), "Filters": "onMessageAdded"}
    assert call(server, "POST", "/v1/Configuration/Webhooks", hook).status == 200
    return f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}/Messages"


def say(server, path, body):
    return make(server, path, {"Body": body}, headers=HEARD)


def deliveries(server, query=""):
    return call(server, "GET", LIST + query)["deliveries"]


def settled(server, status, count):
    """The account's deliveries of a status, once there are so many."""
    return until(
        lambda: len(found := deliveries(server, f"?Status={status}")) == count and found, f"{count} {status}"
    )


def command(data, *arguments, succeeds=True):
    ran = process.run("webhooks", *arguments, variables={**process.PINNED, "TERTULIA_DATA": str(data)})
    assert "panicked" not in ran.stderr
    assert (ran.returncode == 0) is succeeds, f"{arguments} -> {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def metrics(server):
    address = re.search(r"metrics=(127\.0\.0\.1:\d+)", server.output()).group(1)
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
        return response.read().decode()


def test_a_delivery_is_seen_and_sent_again(house, data, receiver):
    path = listen(house, receiver)
    receiver.status = 503
    say(house, path, "one")
    [dead] = settled(house, "dead", 1)
    assert (dead["last_status"], dead["tries"], dead["webhook_url"]) == (503, 1, receiver.url())
    whole = call(house, "GET", f"{LIST}/{dead['sid']}")
    [attempt] = whole["attempts"]
    assert (attempt["response_body"], whole["parameters"]["Body"]) == ("thanks", "one")
    assert attempt["signed"].startswith(receiver.url())
    receiver.status = 200
    again = call(house, "POST", f"{LIST}/{dead['sid']}/Replay", {})
    assert (again.status, again["status"]) == (200, "waiting")
    [arrived] = settled(house, "delivered", 1)
    assert (arrived["sid"], arrived["tries"]) == (dead["sid"], 2)
    names = list(receiver.received[0][0])
    assert {"X-Twilio-Signature", "I-Twilio-Idempotency-Token", "Content-Type"} <= set(names), "as Twilio spells them"
    tokens = [headers["I-Twilio-Idempotency-Token"] for headers, _ in receiver.received]
    assert tokens == [whole["idempotency_token"]] * 2

    other = json.loads(process.run(
        "account", "create", "--json", variables={"TERTULIA_DATA": str(data)}
    ).stdout)
    theirs = (other["sid"], other["auth_token"])
    assert call(house, "GET", LIST, credentials=theirs)["deliveries"] == []
    for method, there in (("GET", ""), ("POST", "/Replay")):
        assert call(house, method, f"{LIST}/{dead['sid']}{there}", credentials=theirs).status == 404


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_the_commands(house, data, receiver, state):
    path = listen(house, receiver)
    say(house, path, "arrives")
    settled(house, "delivered", 1)
    receiver.status = 500
    for number in range(3):
        say(house, path, f"dies {number}")
    dead = settled(house, "dead", 3)
    receiver.status = 200
    if state == "stopped":
        house.stop()
        told = command(data, "tail")
        assert told.count(" dead ") == 3 and "onMessageAdded" in told and receiver.url() in told
        assert [json.loads(line)["status"] for line in command(data, "tail", "--json").splitlines()] == [
            "delivered", "dead", "dead", "dead"
        ]
    assert "1" in command(data, "replay", dead[0]["sid"])
    assert json.loads(command(data, "replay", "--failed", "--json")) == {"replayed": 2}
    command(data, "replay", "WD" + "f" * 32, succeeds=False)
    command(data, "replay", succeeds=False)
    if state == "stopped":
        house = process.start(data, variables=LISTEN)
    settled(house, "delivered", 4)
    house.stop()


def test_tail_follows(house, data, receiver):
    path = listen(house, receiver)
    say(house, path, "before")
    settled(house, "delivered", 1)
    tail = subprocess.Popen(
        [process.binary(), "webhooks", "tail"], env=process.environment({"TERTULIA_DATA": str(data)}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
        # A shell without a terminal lets what it starts in the background ignore Ctrl-C, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert " delivered " in tail.stdout.readline()
        receiver.status = 404
        say(house, path, "after")
        line = tail.stdout.readline()
        assert " dead " in line and "onMessageAdded" in line and " 404 " in line and " ms " in line
    finally:
        tail.send_signal(signal.SIGINT)
        told, errors = tail.communicate(timeout=20)
    assert told == "" and errors == ""


def test_no_secret_is_told_anywhere(house, data, receiver):
    path = listen(house, receiver)
    receiver.status = 500
    say(house, path, "one")
    [dead] = settled(house, "dead", 1)
    assert PASSWORD in receiver.url(f"{USER}:{PASSWORD}@")
    assert receiver.received[0][0]["Authorization"] == basic(USER, PASSWORD), "the endpoint itself is given it"
    tested = call(house, "POST", "/tertulia/v1/Webhooks/Test", {"Url": receiver.url(f"{USER}:{PASSWORD}@")})
    told = {
        "list": call(house, "GET", LIST).text,
        "one": call(house, "GET", f"{LIST}/{dead['sid']}").text,
        "replay": call(house, "POST", f"{LIST}/{dead['sid']}/Replay", {}).text,
        "test": tested.text,
        "command": command(data, "replay", "--failed", "--json"),
        "metrics": metrics(house),
        "log": house.output(),
    }
    assert 'tertulia_webhook_tries_total{result="dead"}' in told["metrics"]
    assert "tertulia_webhook_deliveries_waiting " in told["metrics"]
    for place, text in told.items():
        for secret in SECRETS:
            assert secret not in text, f"{secret} in {place}: {text}"


def test_an_endpoint_is_tested_with_the_official_validator(house, receiver):
    validator = RequestValidator(process.AUTH_TOKEN)

    def judged(request, body):
        form = dict(pair for pair in urllib.parse.parse_qsl(body, keep_blank_values=True))
        is_ours = validator.validate(receiver.url(), form, request.headers["X-Twilio-Signature"])
        return 200 if is_ours else 403

    receiver.answer = judged
    report = call(house, "POST", "/tertulia/v1/Webhooks/Test", {"Url": receiver.url()})
    assert report.status == 200 and report["is_good"] is True, report.text
    assert [case["case"] for case in report["cases"]] == ["good", "bad_signature", "duplicate", "reordered", "slow"]
    receiver.answer = lambda request, body: 200
    report = call(house, "POST", "/tertulia/v1/Webhooks/Test", {"Url": receiver.url()})
    assert [case["is_good"] for case in report["cases"]] == [True, False, True, True, True]
    gone = call(house, "POST", "/tertulia/v1/Webhooks/Test", {"Url": "http://127.0.0.1:1/"})
    assert [case["requests"][0]["error"] for case in gone["cases"]] == ["no connection could be made"]


def test_one_account_tests_one_endpoint_at_a_time(house, receiver):
    entered, leave = threading.Event(), threading.Event()

    def waits(request, body):
        entered.set()
        leave.wait(timeout=4)
        return 200

    receiver.answer = waits
    form, told = {"Url": receiver.url()}, []
    first = threading.Thread(
        target=lambda: told.append(call(house, "POST", "/tertulia/v1/Webhooks/Test", form).status)
    )
    first.start()
    assert entered.wait(timeout=10)
    refused = call(house, "POST", "/tertulia/v1/Webhooks/Test", form)
    assert (refused.status, refused.code) == (429, 20429)
    leave.set()
    first.join(timeout=60)
    assert told == [200]
