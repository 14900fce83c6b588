"""Acknowledged is told: the server is killed while it tells webhooks, again and again, and no delivery is lost.

Each round, several writers post messages that a webhook is to hear of, until the server dies under them. After a
restart every acknowledged one must have been told, and what was told of each conversation runs from 0 in order. Only
the delivery that was in flight may come a second time, under the same token.
"""

import http.client
import json
import os
import random
import threading
from urllib.parse import urlencode

from harness import databases, process
from harness.clients import client
from harness.raw import FORM, basic, call, make
from harness.receiver import Receiver, hang
from harness.waiting import until
from twilio.http.http_client import TwilioHttpClient

CONVERSATIONS = 8
WRITERS = 4
FILE = "[webhooks]\nallow_private = true\nlease_seconds = 5\n"


class Writer(threading.Thread):
    """Posts until the server is gone, and remembers what was acknowledged."""

    def __init__(self, server, conversations, number):
        super().__init__(daemon=True)
        self.server, self.conversations, self.number = server, conversations, number
        self.acknowledged, self.failure = [], None

    def run(self):
        chance = random.Random(self.number)
        link = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        headers = {
            "Authorization": basic(*self.server.credentials), "Content-Type": FORM, "X-Twilio-Webhook-Enabled": "true",
        }
        try:
            while True:
                sid = chance.choice(self.conversations)
                form = urlencode({"Body": f"{self.number}.{len(self.acknowledged)}"})
                link.request("POST", f"/v1/Conversations/{sid}/Messages", form, headers)
                response = link.getresponse()
                body = response.read()
                assert response.status == 201, f"{response.status} {body[:500]}"
                self.acknowledged.append(json.loads(body)["sid"])
        except (OSError, http.client.HTTPException):
            pass  # The server was killed under this request.
        except AssertionError as failure:
            self.failure = failure
        finally:
            link.close()


def check_order(told, conversations):
    """Nothing is missing, nothing is out of order, and only the last one told may be told again."""
    for sid in conversations:
        last, token = -1, None
        for one in (one for one in told if one["ConversationSid"] == sid):
            index = int(one["Index"])
            if index == last:
                assert one.token == token, f"{sid} {index} came again under another token"
            else:
                assert index == last + 1, f"{sid}: {index} was told after {last}"
            last, token = index, one.token


def one_round(server, restart, receiver, number):
    conversations = [make(server, "/v1/Conversations")["sid"] for _ in range(CONVERSATIONS)]
    writers = [Writer(server, conversations, number * WRITERS + n) for n in range(WRITERS)]
    enough = random.Random(number).randrange(100, 500)
    for writer in writers:
        writer.start()
    until(
        lambda: sum(len(w.acknowledged) for w in writers) >= enough or not any(w.is_alive() for w in writers),
        f"{enough} acknowledged messages", seconds=120,
    )
    server.kill()
    for writer in writers:
        writer.join(timeout=60)
        assert not writer.is_alive(), "a writer hangs on a dead server"
        if writer.failure:
            raise writer.failure
    server = restart()
    acknowledged = {sid for writer in writers for sid in writer.acknowledged}
    until(
        lambda: acknowledged <= {one["MessageSid"] for one in list(receiver.told)},
        "every acknowledged message to be told", seconds=60,
    )
    check_order(list(receiver.told), conversations)
    return server


def rounds(engine):
    fewest = {"sqlite": 5, "postgres": 2}[engine]
    return int(os.environ.get(f"CRASH_ROUNDS_{engine.upper()}", fewest))


def torment(folder, engine, database=None):
    file = folder / "tertulia.toml"
    file.write_text(FILE)

    def begin():
        return process.start(folder / "data", "--config", str(file), database=database, engine=engine)

    with Receiver() as receiver:
        server = begin()
        try:
            hook = {"PostWebhookUrl": receiver.url("/hook"), "Filters": "onMessageAdded"}
            assert call(server, "POST", "/v1/Configuration/Webhooks", hook).status == 200
            for number in range(rounds(engine)):
                server = one_round(server, begin, receiver, number)
        finally:
            server.stop()


def test_a_server_that_is_alone_waits_for_no_lease_of_the_one_before(tmp_path):
    """What was in flight comes again at the next start: the lease would keep it back for an hour."""
    file = tmp_path / "tertulia.toml"
    file.write_text(FILE.replace("lease_seconds = 5", "lease_seconds = 3600"))

    def begin():
        return process.start(tmp_path / "data", "--config", str(file))

    with Receiver() as receiver:
        server = begin()
        try:
            hook = {"PostWebhookUrl": receiver.url("/hook"), "Filters": "onMessageAdded"}
            assert call(server, "POST", "/v1/Configuration/Webhooks", hook).status == 200
            # The description of conversations, which other clients are held against, lacks these paths.
            events = client(server, transport=TwilioHttpClient(timeout=30)).events
            events.base_url = server.url
            sink = events.v1.sinks.create(
                description="a", sink_configuration={"destination": receiver.url("/sink")}, sink_type="webhook",
            )
            types = [{"type": "com.twilio.conversations.message.added"}]
            events.v1.subscriptions.create(description="a", sink_sid=sink.sid, types=types)
            receiver.will("/hook", hang)
            receiver.will("/sink", hang)
            sid = make(server, "/v1/Conversations")["sid"]
            heard = {"X-Twilio-Webhook-Enabled": "true"}
            make(server, f"/v1/Conversations/{sid}/Messages", {"Body": "hello"}, headers=heard)
            places = ["/hook", "/sink"]
            until(lambda: all(len(receiver.at(place)) == 1 for place in places), "both to be under way")
            server.kill()
            server = begin()
            until(lambda: all(len(receiver.at(place)) == 2 for place in places), "both to be sent again")
            for place in places:
                first, second = receiver.at(place)
                assert first.token == second.token
        finally:
            server.stop()


def test_sqlite_tells_what_it_acknowledged(tmp_path):
    torment(tmp_path, "sqlite")


def test_postgres_tells_what_it_acknowledged(tmp_path):
    with databases.database() as url:
        torment(tmp_path, "postgres", url)
