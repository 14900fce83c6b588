"""The official command line tool, which knows no other host than Twilio's, under `tertulia intercept`.

One server for all of it; every command is a run of its own that is led there. The tool's home is the test's, its
credentials are what `twilio login` has stored there, and its questions for updates are refused.
"""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import process
from harness.raw import call

TWILIO = process.ROOT / "sdk-tests/cli/node_modules/.bin/twilio"
V1 = "api:conversations:v1:"
AT_ONCE = min(4, os.cpu_count() or 1)


class Tool:
    """Runs commands; remembers which."""

    def __init__(self, server, home):
        self.server, self.home, self.commands = server, home, set()

    def raw(self, *arguments):
        variables = {"HOME": str(self.home), "TWILIO_DISABLE_AUTOUPDATE": "1"}
        return subprocess.run(
            [process.binary(), "intercept", "--data", str(self.server.data), "--", str(TWILIO), *arguments],
            env=process.environment(variables), cwd=self.home, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL,
        )

    def __call__(self, command, **options):
        """What a command prints, as JSON: one thing, or a list where it lists."""
        arguments = []
        for name, value in options.items():
            flag = f"--{name.replace('__', '.').replace('_', '-')}"
            for one in value if isinstance(value, list) else [value]:
                arguments += [flag] if one is True else [flag, str(one)]
        removes = command.endswith(":remove")
        ran = self.raw(V1 + command, *arguments, *([] if removes else ["-o", "json"]))
        assert ran.returncode == 0, f"{command} {arguments}: {ran.stdout}{ran.stderr}"
        self.commands.add(command)
        if removes:
            assert "deleted successfully" in ran.stderr + ran.stdout
            return None
        printed = json.loads(ran.stdout)
        return printed if command.endswith(":list") else printed[0]

    def together(self, *calls):
        """Several that do not depend on one another."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [done.result() for done in [pool.submit(self, name, **options) for name, options in calls]]


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    """The tool, logged in."""
    assert TWILIO.exists(), "twilio-cli is missing: scripts/install.sh"
    folder = tmp_path_factory.mktemp("cli")
    home = folder / "home"
    home.mkdir()
    server = process.start(folder / "data")
    tool = Tool(server, home)
    ran = tool.raw("login", process.ACCOUNT_SID, "--auth-token", process.AUTH_TOKEN, "--profile", "house")
    assert ran.returncode == 0 and "Saved house" in ran.stderr + ran.stdout, ran.stdout + ran.stderr
    assert tool.raw("profiles:use", "house").returncode == 0
    yield tool
    server.stop()


def test_it_logs_in_with_a_key_of_its_own(tool):
    profile = json.loads(Path(tool.home / ".twilio-cli/config.json").read_text())["profiles"]["house"]
    assert call(
        tool.server, "GET", "/v1/Conversations", credentials=(profile["apiKey"], profile["apiSecret"])
    ).status == 200
    listed = json.loads(tool.raw("profiles:list", "-o", "json").stdout)
    assert [(one["id"], one["accountSid"]) for one in listed] == [("house", process.ACCOUNT_SID)]
    ran = tool.raw("login", process.ACCOUNT_SID, "--auth-token", "0" * 32, "--profile", "wrong")
    assert ran.returncode == 1 and "Could not validate" in ran.stderr + ran.stdout


def test_it_runs_its_commands(tool):
    desk, service, role, credential = tool.together(
        ("conversations:create", {"friendly_name": "Desk", "unique_name": "desk"}),
        ("services:create", {"friendly_name": "Other"}),
        ("roles:create", {"friendly_name": "clerk", "type": "conversation", "permission": ["sendMessage", "leaveConversation"]}),
        ("credentials:create", {"type": "fcm", "secret": "s", "friendly_name": "push"}),
    )
    assert (desk["friendlyName"], desk["uniqueName"], desk["state"]) == ("Desk", "desk", "active")
    assert sorted(role["permissions"]) == ["leaveConversation", "sendMessage"]
    assert (credential["type"], credential["friendlyName"]) == ("fcm", "push")
    of_desk = {"conversation_sid": desk["sid"]}
    of_service = {"chat_service_sid": service["sid"]}

    fetched, renamed, alice, message, webhook, both, other = tool.together(
        ("conversations:fetch", {"sid": "desk"}),
        ("conversations:update", {"sid": desk["sid"], "friendly_name": "Table"}),
        ("conversations:participants:create", {**of_desk, "identity": "alice"}),
        ("conversations:messages:create", {**of_desk, "author": "bot", "body": "hello"}),
        ("conversations:webhooks:create", {
            **of_desk, "target": "webhook", "configuration__url": "https://example.org/hook",
            "configuration__filters": ["onMessageAdded", "onParticipantAdded"],
        }),
        ("conversation-with-participants:create", {
            "friendly_name": "Both", "participant": [json.dumps({"identity": one}) for one in ("bob", "carol")],
        }),
        ("services:conversations:create", {**of_service, "friendly_name": "Elsewhere"}),
    )
    assert fetched["sid"] == desk["sid"] and renamed["friendlyName"] == "Table"
    assert (alice["identity"], message["body"], message["index"]) == ("alice", "hello", 0)
    assert webhook["configuration"]["filters"] == ["onMessageAdded", "onParticipantAdded"]
    assert both["friendlyName"] == "Both" and other["chatServiceSid"] == service["sid"]
    of_other = {**of_service, "conversation_sid": other["sid"]}

    listed, people, said, read, known, theirs, mine, roles, settings, all_settings, guest = tool.together(
        ("conversations:list", {}),
        ("conversations:participants:list", of_desk),
        ("conversations:messages:list", of_desk),
        ("conversations:messages:update", {**of_desk, "sid": message["sid"], "body": "hello there"}),
        ("users:fetch", {"sid": "alice"}),
        ("users:conversations:list", {"user_sid": "alice"}),
        ("participant-conversations:list", {"identity": "alice"}),
        ("roles:list", {}),
        ("services:configuration:update", {**of_service, "reachability_enabled": True}),
        ("configuration:fetch", {}),
        ("services:conversations:participants:create", {**of_other, "identity": "guest"}),
    )
    assert {desk["sid"], both["sid"]} == {one["sid"] for one in listed}
    assert [one["identity"] for one in people] == ["alice"]
    assert len(said) == 1 and read["body"] == "hello there"
    assert known["identity"] == "alice"
    assert [one["conversationSid"] for one in theirs] == [desk["sid"]]
    assert [one["conversationSid"] for one in mine] == [desk["sid"]]
    assert role["sid"] in [one["sid"] for one in roles]
    assert settings["reachabilityEnabled"] is True
    assert all_settings["accountSid"] == process.ACCOUNT_SID
    assert guest["identity"] == "guest"

    tool.together(
        ("conversations:messages:remove", {**of_desk, "sid": message["sid"]}),
        ("conversations:participants:remove", {**of_desk, "sid": alice["sid"]}),
        ("conversations:webhooks:remove", {**of_desk, "sid": webhook["sid"]}),
        ("conversations:remove", {"sid": both["sid"]}),
        ("credentials:remove", {"sid": credential["sid"]}),
        ("services:remove", {"sid": service["sid"]}),
    )
    assert call(tool.server, "GET", "/v1/Conversations/desk/Messages")["messages"] == []
    assert call(tool.server, "GET", f"/v1/Services/{service['sid']}").status == 404
    assert len(tool.commands) >= 25, sorted(tool.commands)


def test_a_refusal_is_shown_as_twilios(tool):
    ran = tool.raw(V1 + "conversations:fetch", "--sid", "nobody")
    assert ran.returncode != 0 and "20404" in ran.stderr + ran.stdout


def test_updates_are_asked_for_in_vain(tool):
    ran = tool.raw("--version")
    assert ran.returncode == 0 and ran.stdout.startswith("twilio-cli/")
