"""Acknowledged means on disk: the server is killed in mid-flight, again and again, and nothing it said is lost.

Each round, several writers post messages, participants and updates over kept connections until the server dies
under them. After a restart everything that was acknowledged must be there, and the indexes of each conversation must
run from 0 without a gap or a repetition. What was sent but not acknowledged may be there or not.
"""

import http.client
import json
import os
import random
import threading
from collections import defaultdict
from urllib.parse import urlencode

from harness import databases, process
from harness.raw import FORM, basic, call, make
from harness.waiting import until

CONVERSATIONS = 8
WRITERS = 6


class Writer(threading.Thread):
    """Writes until the server is gone, and remembers what was acknowledged."""

    def __init__(self, server, conversations, own, number):
        super().__init__(daemon=True)
        self.server, self.conversations, self.own, self.number = server, conversations, own, number
        self.messages, self.participants, self.counter, self.failure = [], [], 0, None

    @property
    def acknowledged(self):
        return len(self.messages) + len(self.participants) + self.counter

    def run(self):
        chance = random.Random(self.number)
        link = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        headers = {"Authorization": basic(*self.server.credentials), "Content-Type": FORM}

        def post(path, form, status):
            link.request("POST", path, urlencode(form), headers)
            response = link.getresponse()
            body = response.read()
            if response.status != status:
                raise AssertionError(f"POST {path} -> {response.status} {body[:500]}")
            return json.loads(body)

        turn = 0
        try:
            while True:
                turn += 1
                path = f"/v1/Conversations/{chance.choice(self.conversations)}"
                if turn % 7 == 0:
                    identity = f"w{self.number}-{turn}-{path[-6:]}"
                    made = post(f"{path}/Participants", {"Identity": identity}, 201)
                    self.participants.append((path, made["sid"], identity))
                elif turn % 5 == 0:
                    post(f"/v1/Conversations/{self.own}", {"Attributes": str(self.counter + 1)}, 200)
                    self.counter += 1
                else:
                    text = f"{self.number}.{turn}"
                    made = post(f"{path}/Messages", {"Body": text}, 201)
                    self.messages.append((path, made["sid"], made["index"], text))
        except (OSError, http.client.HTTPException):
            pass  # The server was killed under this request; whether it was kept, nobody was told.
        except AssertionError as failure:
            self.failure = failure
        finally:
            link.close()


def whole_list(server, path, key):
    """All rows of a list."""
    path, rows = f"{path}?PageSize=100", []
    while path:
        answer = call(server, "GET", path)
        rows += answer[key]
        following = answer["meta"]["next_page_url"]
        path = following and following.removeprefix(server.url)
    return rows


def check_messages(server, paths, acknowledged):
    expected = defaultdict(list)
    for path, sid, index, text in acknowledged:
        expected[path].append((sid, index, text))
    for path in paths:
        rows = whole_list(server, f"{path}/Messages", "messages")
        assert [row["index"] for row in rows] == list(range(len(rows))), f"a gap or a repetition in {path}"
        kept = {row["sid"]: (row["index"], row["body"]) for row in rows}
        assert len(kept) == len(rows), f"a sid twice in {path}"
        for sid, index, text in expected[path]:
            assert kept.get(sid) == (index, text), f"{path}/Messages/{sid} was acknowledged and is {kept.get(sid)}"
        following = make(server, f"{path}/Messages", {"Body": "after the crash"})
        assert following["index"] == len(rows)


def check_participants(server, paths, acknowledged):
    expected = defaultdict(dict)
    for path, sid, identity in acknowledged:
        expected[path][sid] = identity
    for path in paths:
        rows = whole_list(server, f"{path}/Participants", "participants")
        kept = {row["sid"]: row["identity"] for row in rows}
        assert len(set(kept.values())) == len(rows), f"an identity twice in {path}"
        assert expected[path].items() <= kept.items(), f"participants of {path} were acknowledged and are gone"
        for row in rows[:3]:
            memberships = whole_list(server, f"/v1/Users/{row['identity']}/Conversations", "conversations")
            assert row["sid"] in [one["participant_sid"] for one in memberships]


def one_round(server, restart, number):
    """Load, kill, restart, check. Answers with the server that runs now."""
    shared = [make(server, "/v1/Conversations")["sid"] for _ in range(CONVERSATIONS)]
    own = [make(server, "/v1/Conversations", {"Attributes": "0"})["sid"] for _ in range(WRITERS)]
    writers = [Writer(server, shared, own[n], number * WRITERS + n) for n in range(WRITERS)]
    enough = random.Random(number).randrange(150, 900)
    for writer in writers:
        writer.start()
    until(
        lambda: sum(writer.acknowledged for writer in writers) >= enough or not any(w.is_alive() for w in writers),
        f"{enough} acknowledged writes", seconds=120,
    )
    server.kill()
    for writer in writers:
        writer.join(timeout=60)
        assert not writer.is_alive(), "a writer hangs on a dead server"
        if writer.failure:
            raise writer.failure

    server = restart()
    paths = [f"/v1/Conversations/{sid}" for sid in shared]
    check_messages(server, paths, [row for writer in writers for row in writer.messages])
    check_participants(server, paths, [row for writer in writers for row in writer.participants])
    for writer in writers:
        kept = int(call(server, "GET", f"/v1/Conversations/{writer.own}")["attributes"])
        assert writer.counter <= kept <= writer.counter + 1, "an update was acknowledged and is gone"
    return server


def rounds(engine):
    fewest = {"sqlite": 5, "postgres": 2}[engine]
    return int(os.environ.get(f"CRASH_ROUNDS_{engine.upper()}", fewest))


def torment(data, engine, database=None):
    def begin():
        return process.start(data, database=database, engine=engine)

    server = begin()
    try:
        for number in range(rounds(engine)):
            server = one_round(server, begin, number)
    finally:
        server.stop()


def test_sqlite_keeps_what_it_acknowledged(tmp_path):
    torment(tmp_path / "data", "sqlite")


def test_postgres_keeps_what_it_acknowledged(tmp_path):
    with databases.database() as url:
        torment(tmp_path / "data", "postgres", url)
