"""Optional limits of rate, as the official client meets them: on a clock that stands still, so that nobody waits."""

import pytest
from harness import process
from harness.clients import client, refused
from harness.limited import limited, one_running
from harness.raw import call

ADMIN = "an-admin-token-of-some-length"


def advance(server, duration):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    answer = call(server, "POST", "/tertulia/v1/Clock", {"Advance": duration}, credentials=False, headers=headers)
    assert answer.status == 200, answer.text


def manual(**limits):
    return limited("--clock", "manual", variables={"TERTULIA_ADMIN_TOKEN": ADMIN}, **limits)


def test_actions_in_a_second():
    with manual(actions_per_second=3) as server:
        conversations = client(server).conversations.v1.conversations
        made = [conversations.create() for _ in range(3)]
        with refused(429, 50063) as problem:
            conversations.create()
        assert "Actions per second limit exceeded" in problem.message
        assert len(conversations.list()) == 3
        messages = conversations(made[0].sid).messages
        for _ in range(3):
            messages.create(body="x")
        with refused(429, 50063):
            messages.create(body="one too many")
        conversations(made[1].sid).messages.create(body="elsewhere")
        advance(server, "PT1S")
        for _ in range(3):
            conversations.create()
        with refused(429, 50063):
            conversations.create()


def test_all_actions_of_an_account_in_a_second():
    with manual(global_actions_per_second=2) as server:
        v1 = client(server).conversations.v1
        v1.conversations.create()
        v1.users.create(identity="alice")
        with refused(429, 50074) as problem:
            v1.services.create(friendly_name="one too many")
        assert "Global actions per second limit exceeded" in problem.message
        advance(server, "PT0.5S")
        v1.services.create(friendly_name="now")


def test_requests_at_a_time():
    with limited(concurrency=1) as server:
        conversations = client(server).conversations.v1.conversations
        with one_running(server):
            refusal = call(server, "GET", "/v1/Conversations")
            assert (refusal.status, refusal.code, refusal["message"]) == (429, 20429, "Too Many Requests")
            assert refusal.headers["Retry-After"] == "1"
            assert refusal.headers["Twilio-Concurrent-Requests"] == "2"
            assert refusal.headers["RateLimit-Policy"] == '"concurrency";q=1;qu="concurrent-requests"'
            assert refusal.headers["RateLimit"] == '"concurrency";r=0'
            with refused(429, 20429):
                conversations.create()
        conversations.create()
        assert len(conversations.list()) == 2


@pytest.mark.parametrize("wrong", ["actions_per_second = 10001", "concurrency = -1", "speed = 1"])
def test_limits_that_cannot_be(tmp_path, wrong):
    file = tmp_path / "tertulia.toml"
    file.write_text(f"[limits]\n{wrong}\n")
    done = process.run("check-config", "--config", str(file))
    assert done.returncode != 0 and wrong.split()[0] in done.stderr, done.stderr
