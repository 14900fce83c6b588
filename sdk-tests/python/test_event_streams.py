"""Event Streams: a sink made by the official client receives what happens, signed as its own validator expects."""

import json
import re
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness import databases, process
from harness.clients import client, refused
from harness.raw import call
from harness.waiting import until
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator

ADDED = "com.twilio.conversations.message.added"
OPEN = {"TERTULIA_WEBHOOK_ALLOW_PRIVATE": "true"}


class Sink:
    """A web server that keeps every request, and answers with ``status``."""

    def __init__(self, port=0):
        self.requests, self.status = [], 200
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = sink.status
                sink.requests.append((f"http://{self.headers['host']}{self.path}", self.headers, body, status))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server.server_address[1]

    def events(self):
        """What it has taken."""
        taken = [body for _, _, body, status in list(self.requests) if status == 200]
        return [event for body in taken for event in json.loads(body)]

    def bodies(self):
        return {event["data"]["MessageBody"] for event in self.events()}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def sink():
    one = Sink()
    yield one
    one.close()


def streaming(server):
    """The official client, for the paths of Event Streams too, which the description of conversations lacks."""
    made = client(server, transport=TwilioHttpClient(timeout=30))
    made.events.base_url = server.url
    return made


def subscribe(twilio, port, types=(ADDED,), **configuration):
    v1 = twilio.events.v1
    sink = v1.sinks.create(
        description="a sink",
        sink_type="webhook",
        sink_configuration={
            "destination": f"http://user:secret@127.0.0.1:{port}/hook?a=b", "method": "POST", **configuration,
        },
    )
    return sink, v1.subscriptions.create(
        description="a subscription",
        sink_sid=sink.sid,
        types=[{"type": name, "schema_version": 2} for name in types],
    )


def start(data, *arguments, **more):
    return process.start(data, *arguments, variables=OPEN, **more)


def test_the_official_client_makes_reads_changes_and_removes(tmp_path):
    server = start(tmp_path / "data")
    try:
        twilio = streaming(server)
        v1 = twilio.events.v1
        sink, subscription = subscribe(twilio, 9, batch_events=False)
        seen = v1.sinks(sink.sid).fetch()
        assert (seen.status, seen.sink_type, seen.description) == ("active", "webhook", "a sink")
        assert seen.sink_configuration["batch_events"] is False
        assert set(seen.links) == {"sink_test", "sink_validate"} and seen.date_created
        assert v1.sinks(sink.sid).update(description="another").description == "another"
        assert [one.sid for one in v1.sinks.list(in_use=True, status="active")] == [sink.sid]
        assert v1.sinks.list(in_use=False) == []
        assert v1.sinks(sink.sid).sink_validate.create(test_id="EV1").result == "valid"
        assert subscription.sink_sid == sink.sid and subscription.account_sid == server.account_sid
        assert [one.sid for one in v1.subscriptions.list(sink_sid=sink.sid)] == [subscription.sid]
        assert v1.subscriptions(subscription.sid).update(description="new").description == "new"
        types = v1.subscriptions(subscription.sid).subscribed_events
        assert types.create(type="com.twilio.conversations.user.added", schema_version=1).schema_version == 1
        assert [one.type for one in types.list()] == [ADDED, "com.twilio.conversations.user.added"]
        assert types.get(ADDED).update(schema_version=1).schema_version == 1
        assert types.get(ADDED).fetch().url.endswith(ADDED)
        assert types.get(ADDED).delete()
        listed = v1.event_types.list(page_size=5)
        assert len(listed) == 12 and v1.event_types(ADDED).fetch().schema_id == "Conversations.MessageAdded"
        with refused(400, 91007):
            v1.sinks(sink.sid).delete()
        assert v1.subscriptions(subscription.sid).delete() and v1.sinks(sink.sid).delete()
        with refused(404, 20404):
            v1.sinks(sink.sid).fetch()
        with refused(400, 20001):
            v1.sinks.create(description="x", sink_type="kinesis", sink_configuration={"arn": "x"})
    finally:
        server.stop()


def test_what_waits_is_seen_and_counted(tmp_path, sink):
    server = start(tmp_path / "data", "--metrics-listen", "127.0.0.1:0")

    def metrics():
        address = re.search(r"metrics=(127\.0\.0\.1:\d+)", server.output()).group(1)
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
            return response.read().decode()

    try:
        twilio = streaming(server)
        sink.status = 503
        made, _ = subscribe(twilio, sink.port)
        twilio.conversations.v1.conversations.create().messages.create(body="hello")
        until(lambda: 'tertulia_stream_events_total{result="failed"}' in metrics(), "a first try to be counted")
        assert "tertulia_stream_events_waiting 1" in metrics()
        (waiting,) = call(server, "GET", f"/tertulia/v1/Sinks/{made.sid}/Deliveries")["deliveries"]
        assert waiting["status"] == "waiting" and waiting["last_error"] == "it answered 503"
        sink.status = 200
        until(lambda: 'tertulia_stream_events_total{result="delivered"} 1' in metrics(), "it to arrive", seconds=30)
        assert "tertulia_stream_events_waiting 0" in metrics()
    finally:
        server.stop()


def test_a_batch_is_judged_valid_by_the_official_validator(tmp_path, sink):
    server = start(tmp_path / "data")
    try:
        twilio = streaming(server)
        conversation = twilio.conversations.v1.conversations.create()
        sink.status = 503
        subscribe(twilio, sink.port)
        for number in range(30):
            # Nobody asks for webhooks, and the body is no ASCII.
            conversation.messages.create(body=f"{number} \u00e9\U0001f600")
        until(lambda: sink.requests, "a first try")
        sink.status = 200
        until(lambda: len(sink.bodies()) == 30, "everything to arrive", seconds=60)
        assert max(len(json.loads(body)) for _, _, body, _ in sink.requests) > 1, "they come together"
        validator = RequestValidator(server.auth_token)
        for url, headers, body, _ in sink.requests:
            signature = headers["X-Twilio-Signature"]
            assert "bodySHA256=" in url and validator.validate(url, body.decode(), signature)
            assert not validator.validate(url, body.decode() + " ", signature)
            assert headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
            assert headers["Content-Type"] == "application/json"
        for event in sink.events():
            assert event["specversion"] == "1.0" and event["type"] == ADDED
            assert event["data"]["ConversationSid"] == conversation.sid and type(event["data"]["Index"]) is int
    finally:
        server.stop()


def load(server, conversations, start_at, count):
    """Messages from four callers at once, until the server is gone; which were acknowledged."""
    acknowledged = []

    def send(number):
        twilio = streaming(server)
        try:
            twilio.conversations.v1.conversations(conversations[number % len(conversations)]).messages.create(
                body=str(number)
            )
            acknowledged.append(str(number))
        except Exception:  # the server was killed under it
            pass

    with ThreadPoolExecutor(4) as callers:
        list(callers.map(send, range(start_at, start_at + count)))
    return acknowledged


def killed(begin, sink, rounds):
    port = sink.port
    server = begin()
    twilio = streaming(server)
    conversations = [twilio.conversations.v1.conversations.create().sid for _ in range(3)]
    subscribe(twilio, port)
    expected = set()
    for number in range(rounds):
        sink.status = 500 if number % 2 == 0 else 200
        timer = threading.Timer(0.4, server.kill)
        timer.start()
        expected.update(load(server, conversations, 1000 * number, 400))
        timer.join()
        server = begin()
    try:
        sink.status = 200
        until(lambda: expected <= sink.bodies(), "everything acknowledged to be streamed", seconds=120)
        ids = {}
        for event in sink.events():
            assert ids.setdefault(event["data"]["MessageSid"], event["id"]) == event["id"]
        assert len(expected) > rounds
    finally:
        server.stop()


def test_a_killed_server_loses_no_event(tmp_path, sink):
    killed(lambda: start(tmp_path / "data"), sink, rounds=3)


def test_a_killed_server_on_postgresql_loses_no_event(tmp_path, sink):
    with databases.database() as url:
        killed(lambda: start(tmp_path / "data", database=url, engine="postgres"), sink, rounds=2)


def test_a_sink_that_was_away_gets_what_it_missed(tmp_path):
    first = Sink()
    port = first.port
    server = start(tmp_path / "data")
    try:
        twilio = streaming(server)
        conversation = twilio.conversations.v1.conversations.create()
        sink, _ = subscribe(twilio, port)
        twilio.events.v1.sinks(sink.sid).sink_test.create()
        until(lambda: first.requests, "the test event")
        assert first.events()[0]["type"] == "com.twilio.eventstreams.test-event"
        first.close()
        for number in range(10):
            conversation.messages.create(body=str(number))
        again = Sink(port)
        try:
            until(lambda: len(again.bodies()) == 10, "what was missed", seconds=60)
        finally:
            again.close()
    finally:
        server.stop()
