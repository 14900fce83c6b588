"""The clock as a feature: moved by the administration, kept across restarts; timers, on it and on the real one.

And the seed: two servers that are asked the same tell the same.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from harness import databases, process
from harness.clients import client
from harness.raw import call, make
from harness.waiting import until

ADMIN = "an-admin-token-of-some-length"
WITH_TOKEN = {"TERTULIA_ADMIN_TOKEN": ADMIN}
CLOCK = "/tertulia/v1/Clock"


@pytest.fixture
def start(tmp_path):
    """Starts servers with a manual clock and stops them in the end."""
    running = []

    def started(*flags, data=tmp_path / "data", variables=None, **settings):
        variables = {**WITH_TOKEN, **(variables or {})}
        running.append(process.start(data, *flags, variables=variables, **settings))
        return running[-1]

    yield started
    for server in running:
        server.stop()


def ask(server, method="GET", form=None, token=ADMIN):
    return call(server, method, CLOCK, form, credentials=False, headers={"Authorization": f"Bearer {token}"})


def move(server, **form):
    answer = ask(server, "POST", form)
    assert answer.status == 200, answer.text
    return answer["now"]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_timers_fire_on_the_way_each_at_its_own_time(start, engine):
    with databases.database() if engine == "postgres" else nullcontext() as url:
        server = start("--clock", "manual", "--seed", "1", database=url, engine=engine)
        conversations = client(server).conversations.v1.conversations
        both = conversations.create(state="active", timers_inactive="PT1M", timers_closed="PT10M")
        alone = conversations.create()
        assert both.timers == {
            "date_inactive": "2026-01-01T00:01:00Z", "date_closed": "2026-01-01T00:10:00Z",
        }
        assert move(server, Advance="PT1M") == "2026-01-01T00:01:00.000Z"
        seen = both.fetch()
        assert (seen.state, str(seen.date_updated)) == ("inactive", "2026-01-01 00:01:00+00:00")
        assert seen.timers == {"date_closed": "2026-01-01T00:10:00Z"}
        both.messages.create(body="still here")
        assert both.fetch().state == "active"
        move(server, Set="2026-01-02T00:00:00Z")
        seen = both.fetch()
        assert (seen.state, str(seen.date_updated)) == ("closed", "2026-01-01 00:11:00+00:00")
        assert seen.timers == {"date_closed": "2026-01-01T00:11:00Z"}
        assert alone.fetch().state == "active"
        server.stop()


def test_the_clock_stands_still_never_goes_back_and_survives_restarts(start):
    server = start("--clock", "manual")
    first = ask(server)
    assert first.status == 200 and first["mode"] == "manual"
    assert ask(server)["now"] == first["now"]
    assert move(server, Set="2031-05-06T07:08:09Z") == "2031-05-06T07:08:09.000Z"
    for wrong in ({"Set": "2031-05-06T07:08:08Z"}, {"Advance": "-PT1S"}, {"Advance": "soon"}, {}):
        assert ask(server, "POST", wrong).status == 400, wrong
    made = make(server, "/v1/Conversations", {"Timers.Closed": "P1D"})
    assert made["date_created"] == "2031-05-06T07:08:09Z"
    server.kill()
    server = start(variables={"TERTULIA_CLOCK": "manual"})
    assert ask(server)["now"] == "2031-05-06T07:08:09.000Z"
    move(server, Advance="P2D")
    seen = call(server, "GET", f"/v1/Conversations/{made['sid']}")
    assert (seen["state"], seen["date_updated"]) == ("closed", "2031-05-07T07:08:09Z")


def test_many_at_once_and_others_are_served_meanwhile(start):
    server = start("--clock", "manual")
    made = [make(server, "/v1/Conversations", {"Timers.Inactive": "PT1M"})["sid"] for _ in range(200)]
    path = f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}/Messages"
    with ThreadPoolExecutor(4) as pool:
        moved = pool.submit(move, server, Advance="PT1M")
        said = [pool.submit(make, server, path, {"Body": str(number)}) for number in range(50)]
        moved.result()
        for message in said:
            message.result()
    states = {call(server, "GET", f"/v1/Conversations/{sid}")["state"] for sid in made}
    assert states == {"inactive"}


def test_the_real_clock_is_not_moved_and_its_timers_fire_by_themselves(start):
    server = start("--lenient")
    assert ask(server)["mode"] == "real"
    refused = ask(server, "POST", {"Advance": "P1D"})
    assert refused.status == 409 and "--clock manual" in refused["message"]
    made = make(server, "/v1/Conversations", {"Timers.Inactive": "PT1S", "Timers.Closed": "PT2S"})
    path = f"/v1/Conversations/{made['sid']}"
    until(lambda: call(server, "GET", path)["state"] == "inactive", "the conversation to become inactive")
    until(lambda: call(server, "GET", path)["state"] == "closed", "the conversation to be closed")


def test_what_fell_due_while_no_server_ran_fires_at_start(start):
    server = start("--lenient")
    made = make(server, "/v1/Conversations", {"Timers.Closed": "PT1S"})
    server.kill()
    server = start("--lenient")
    path = f"/v1/Conversations/{made['sid']}"
    until(lambda: call(server, "GET", path)["state"] == "closed", "the conversation to be closed")


def test_only_the_administration_has_a_clock(start):
    server = start("--clock", "manual")
    assert ask(server, token="wrong").status == 404
    assert call(server, "GET", CLOCK).status == 404
    assert call(server, "POST", CLOCK, {"Advance": "P1D"}).status == 404


def life(server):
    """What a little life is answered, byte for byte but for the address."""
    made = call(server, "POST", "/v1/Conversations", {"Timers.Inactive": "PT1M"})
    path = f"/v1/Conversations/{made['sid']}"
    answers = [
        made,
        call(server, "POST", f"{path}/Participants", {"Identity": "alice"}),
        call(server, "POST", f"{path}/Messages", {"Body": "hello", "Author": "alice"}),
        call(server, "POST", "/tertulia/v1/Keys", {"FriendlyName": "bot"}),
        call(server, "GET", f"{path}/Participants/nobody"),
        ask(server, "POST", {"Advance": "PT2M"}),
        call(server, "GET", "/v1/Conversations"),
        call(server, "GET", "/v1/Users"),
        call(server, "GET", "/v1/Roles"),
    ]
    return [
        (answer.status, answer.headers["Twilio-Request-Id"], answer.text.replace(server.url, ""))
        for answer in answers
    ]


def test_one_seed_one_story(start, tmp_path):
    flags = ["--clock", "manual", "--seed", "42"]
    first, second = (start(*flags, data=tmp_path / name, pinned=False) for name in ("first", "second"))
    for server in (first, second):
        told = server.output()
        server.account_sid = re.search(r"\bAC[0-9a-f]{32}\b", told).group(0)
        server.auth_token = re.search(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])", told).group(0)
    assert first.credentials == second.credentials
    story = life(first)
    assert story == life(second)
    other = start("--clock", "manual", data=tmp_path / "other", variables={"TERTULIA_SEED": "43"})
    assert life(other)[0] != story[0]


def test_a_start_makes_no_sid_a_second_time(start):
    flags, sids = ["--clock", "manual", "--seed", "42"], set()
    for round in range(3):
        server = start(*flags)
        sids |= {make(server, "/v1/Conversations")["sid"] for _ in range(5)}
        server.kill()
        assert len(sids) == 5 * (round + 1)


@pytest.mark.parametrize("flags", [["--clock", "broken"], ["--seed", "-1"], ["--seed", "many"]])
def test_wrong_flags_are_told(tmp_path, flags):
    ran = process.run("serve", *[f"{flags[0]}={flags[1]}"], variables={"TERTULIA_DATA": str(tmp_path / "data")})
    assert ran.returncode == 2 and flags[0].removeprefix("--") in ran.stderr
