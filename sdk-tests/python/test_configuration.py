"""The configuration of the account and the notifications of a service, by the official client."""

import time

import pytest
from harness import databases, process
from harness.clients import client, path_of, refused
from harness.raw import call

pytestmark = pytest.mark.both

MESSAGING_SERVICE = "MG" + "a" * 32
MISSING = "IS" + "0" * 32


@pytest.fixture
def configuration(twilio):
    """The account's, whose timers are off again after the test."""
    context = twilio.conversations.v1.configuration()
    before = context.fetch().default_messaging_service_sid
    yield context
    context.update(
        default_inactive_timer="PT0S", default_closed_timer="PT0S", default_messaging_service_sid=before
    )


def test_the_configuration_is_there(configuration, server, default_service_sid):
    seen = configuration.fetch()
    assert seen.account_sid == server.account_sid
    assert seen.default_chat_service_sid == default_service_sid
    assert seen.default_messaging_service_sid.startswith("MG")
    assert (seen.default_inactive_timer, seen.default_closed_timer) == (None, None)
    assert path_of(seen.url) == "/v1/Configuration"
    assert {name: path_of(link) for name, link in seen.links.items()} == {
        "service": f"/v1/Services/{default_service_sid}/Configuration",
        "webhooks": "/v1/Configuration/Webhooks",
    }


def test_new_conversations_get_the_defaults(configuration, form):
    before = form.conversations.create()
    updated = configuration.update(
        default_messaging_service_sid=MESSAGING_SERVICE, default_inactive_timer="PT1M", default_closed_timer="PT10M"
    )
    assert updated.default_messaging_service_sid == MESSAGING_SERVICE
    assert (updated.default_inactive_timer, updated.default_closed_timer) == ("PT1M", "PT10M")
    made = form.conversations.create()
    assert made.messaging_service_sid == MESSAGING_SERVICE
    assert set(made.timers) == {"date_inactive", "date_closed"}
    assert form.conversations.create(timers_inactive="PT0S", timers_closed="PT0S").timers == {}
    assert form.conversations(before.sid).fetch().timers == {}
    assert configuration.update(default_closed_timer="PT0S").default_closed_timer is None
    assert configuration.fetch().default_inactive_timer == "PT1M", "what is not given stays"


def test_a_configuration_is_checked(configuration, default_service_sid):
    for parameters, code in (
        ({"default_chat_service_sid": MISSING}, 50050),
        ({"default_chat_service_sid": "nonsense"}, 50050),
        ({"default_messaging_service_sid": MISSING}, 50341),
        ({"default_inactive_timer": "PT59S"}, 50375),
        ({"default_inactive_timer": "soon"}, 50379),
        ({"default_closed_timer": "PT1M"}, 50376),
        ({"default_closed_timer": "later"}, 50380),
    ):
        with refused(400, code):
            configuration.update(**parameters)
    seen = configuration.fetch()
    assert seen.default_chat_service_sid == default_service_sid
    assert (seen.default_inactive_timer, seen.default_closed_timer) == (None, None)


def test_the_short_paths_follow_the_default_service(tmp_path):
    """A server of its own, because everybody's short paths move."""
    server = process.start(tmp_path / "data")
    try:
        twilio = client(server)
        v1 = twilio.conversations.v1
        first = v1.configuration().fetch().default_chat_service_sid
        desk = v1.conversations.create(unique_name="desk")
        second = v1.services.create(friendly_name="second").sid
        assert v1.configuration().update(default_chat_service_sid=second).default_chat_service_sid == second
        with refused(404, 20404):
            v1.conversations("desk").fetch()
        assert v1.conversations.create(unique_name="desk").chat_service_sid == second
        assert v1.services(first).conversations("desk").fetch().sid == desk.sid
        with refused(409, 20409):
            v1.services(second).delete()
        v1.services(first).delete()
        with refused(400, 50050):
            v1.configuration().update(default_chat_service_sid=first)
        assert v1.roles.list()[0].chat_service_sid == second
    finally:
        server.stop()


def test_another_node_follows_within_two_seconds(tmp_path):
    shared = {"TERTULIA_MASTER_KEY": "0f" * 32}
    with databases.database() as url:
        nodes = [
            process.start(tmp_path / name, database=url, engine="postgres", variables=shared) for name in ("a", "b")
        ]
        try:
            second = call(nodes[0], "POST", "/v1/Services", {"FriendlyName": "second"})["sid"]
            assert call(nodes[1], "POST", "/v1/Conversations", {})["chat_service_sid"] != second
            call(nodes[0], "POST", "/v1/Configuration", {"DefaultChatServiceSid": second})
            deadline = time.monotonic() + 2
            assert call(nodes[0], "POST", "/v1/Conversations", {})["chat_service_sid"] == second, "at once"
            while call(nodes[1], "POST", "/v1/Conversations", {})["chat_service_sid"] != second:
                assert time.monotonic() < deadline
        finally:
            for node in nodes:
                node.stop()


def test_nobody_is_notified_at_first(twilio, service, server):
    seen = twilio.conversations.v1.services(service.service_sid).configuration.notifications().fetch()
    assert (seen.account_sid, seen.chat_service_sid) == (server.account_sid, service.service_sid)
    assert seen.log_enabled is False
    silent = {"enabled": False, "template": None, "sound": None}
    assert seen.added_to_conversation == seen.removed_from_conversation == silent
    assert seen.new_message == {
        **silent, "badge_count_enabled": False, "with_media": {"enabled": False, "template": None}
    }
    assert path_of(seen.url) == f"/v1/Services/{service.service_sid}/Configuration/Notifications"


def test_notifications_change_by_what_is_given(twilio, service):
    notifications = twilio.conversations.v1.services(service.service_sid).configuration.notifications()
    updated = notifications.update(
        log_enabled=True, new_message_enabled=True, new_message_template="${PARTICIPANT}: ${MESSAGE}",
        new_message_sound="ring", new_message_badge_count_enabled=True, new_message_with_media_enabled=True,
        new_message_with_media_template="${MEDIA_COUNT} files", added_to_conversation_enabled=True,
        added_to_conversation_template="in ${CONVERSATION}", added_to_conversation_sound="bell",
        removed_from_conversation_enabled=True, removed_from_conversation_template="out",
        removed_from_conversation_sound="gong",
    )
    assert updated.log_enabled is True
    assert updated.new_message == {
        "enabled": True, "template": "${PARTICIPANT}: ${MESSAGE}", "sound": "ring", "badge_count_enabled": True,
        "with_media": {"enabled": True, "template": "${MEDIA_COUNT} files"},
    }
    assert updated.added_to_conversation == {"enabled": True, "template": "in ${CONVERSATION}", "sound": "bell"}
    assert updated.removed_from_conversation == {"enabled": True, "template": "out", "sound": "gong"}
    changed = notifications.update(new_message_enabled=False, removed_from_conversation_sound="")
    assert changed.new_message == {**updated.new_message, "enabled": False}
    assert changed.removed_from_conversation["sound"] is None
    assert notifications.fetch().added_to_conversation == updated.added_to_conversation


def test_notifications_are_checked(twilio, service):
    notifications = twilio.conversations.v1.services(service.service_sid).configuration.notifications()
    with refused(400, 50058):
        notifications.update(new_message_template="x" * 5000)
    with refused(400, 50058):
        notifications.update(new_message_with_media_template="x" * 5000)
    with refused(400, 50059):
        notifications.update(added_to_conversation_sound="x" * 300)
    with refused(404, 20404):
        twilio.conversations.v1.services(MISSING).configuration.notifications().fetch()
