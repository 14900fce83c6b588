"""User conversations: the four operations in both forms, by every key, and the rows that come and go with them."""

from datetime import datetime

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both


@pytest.fixture
def member(form, name):
    """A conversation with one chat participant: (conversation, participant, identity, unique name)."""
    alice, unique = name("alice"), name("desk")
    conversation = form.conversation(unique_name=unique, friendly_name="Front desk", attributes='{"floor": 1}')
    return conversation, conversation.participants.create(identity=alice), alice, unique


def test_the_four_operations(form, member):
    conversation, participant, alice, unique = member
    user, head = form.users(alice).fetch(), conversation.fetch()
    rows = form.users(alice).user_conversations

    row = rows.list()[0]
    assert row.conversation_sid == head.sid and row.user_sid == user.sid
    assert row.participant_sid == participant.sid
    assert (row.friendly_name, row.unique_name, row.attributes) == ("Front desk", unique, '{"floor": 1}')
    assert (row.conversation_state, row.timers, row.created_by) == ("active", {}, "system")
    assert (row.date_created, row.date_updated) == (head.date_created, head.date_updated)
    assert row.notification_level == "default"
    assert row.last_read_message_index is None and row.unread_messages_count is None
    assert row.chat_service_sid == form.service_sid
    assert path_of(row.url) == f"{form.path}/Users/{user.sid}/Conversations/{head.sid}"
    assert path_of(row.links["conversation"]) == f"{form.path}/Conversations/{head.sid}"
    assert path_of(row.links["participant"]) == f"{form.path}/Conversations/{head.sid}/Participants/{participant.sid}"

    updated = rows(head.sid).update(notification_level="muted")
    assert updated.notification_level == "muted"
    assert rows(head.sid).fetch().notification_level == "muted"

    assert rows(head.sid).delete() is True
    assert rows.list() == []
    assert conversation.participants.list() == []
    for operation in (rows(head.sid).fetch, rows(head.sid).delete, rows(head.sid).update):
        with refused(404, 20404):
            operation()


def test_every_key_finds_the_row(form, member):
    conversation, participant, alice, unique = member
    user, sid = form.users(alice).fetch().sid, conversation.fetch().sid
    for who in (user, alice):
        assert len(form.users(who).user_conversations.list()) == 1
        for which in (sid, unique):
            row = form.users(who).user_conversations(which)
            assert row.fetch().participant_sid == participant.sid
            assert row.update(notification_level="default").participant_sid == participant.sid
    assert form.users(alice).user_conversations(unique).delete() is True


@pytest.mark.parametrize("level", ["MUTED", "Muted", "muted"])
def test_levels_are_taken_in_any_case(form, member, level):
    conversation, _, alice, _ = member
    row = form.users(alice).user_conversations(conversation.fetch().sid)
    assert row.update(notification_level=level).notification_level == "muted"


def test_refusals(form, member, name):
    conversation, _, alice, unique = member
    sid = conversation.fetch().sid
    row = form.users(alice).user_conversations(sid)
    with refused(400, 50210):
        row.update(notification_level="loud")
    for index in ("-1", "none", "1e400"):
        with refused(400, 50421):
            row.update(last_read_message_index=index)
    with refused(400):
        row.update(last_read_timestamp="noon")
    with refused(404, 20404):
        form.users(name("nobody")).user_conversations.list()
    with refused(404, 20404):
        form.users(name("nobody")).user_conversations(sid).fetch()
    with refused(404, 20404):
        form.users(alice).user_conversations("CH" + "0" * 32).update(notification_level="muted")
    outsider = form.users.create(identity=name("outsider"))
    with refused(404, 20404):
        form.users(outsider.sid).user_conversations(unique).fetch()
    assert row.fetch().notification_level == "default", "what is refused changes nothing"


def test_level_index_and_time_together(form, member):
    conversation, participant, alice, _ = member
    for body in ("one", "two", "three"):
        conversation.messages.create(body=body)
    then = datetime(2021, 5, 4, 3, 2, 1)
    row = form.users(alice).user_conversations(conversation.fetch().sid)
    updated = row.update(notification_level="muted", last_read_message_index=0, last_read_timestamp=then)
    assert (updated.notification_level, updated.last_read_message_index) == ("muted", 0)
    assert updated.unread_messages_count == 2
    seen = conversation.participants(participant.sid).fetch()
    assert seen.last_read_message_index == 0
    assert seen.last_read_timestamp == "2021-05-04T03:02:01Z"


def test_rows_show_the_conversation_as_it_is_now(form, member):
    conversation, _, alice, _ = member
    conversation.update(friendly_name="Back desk", attributes="[1]", state="inactive")
    row = form.users(alice).user_conversations.list()[0]
    assert (row.friendly_name, row.attributes, row.conversation_state) == ("Back desk", "[1]", "inactive")
    conversation.update(state="closed")
    assert form.users(alice).user_conversations.list()[0].conversation_state == "closed"
    conversation.delete()
    assert form.users(alice).user_conversations.list() == []


def test_a_users_conversations_come_with_the_latest_activity_first(service, name):
    alice = name("alice")
    conversations = [service.conversation() for _ in range(3)]
    for conversation in conversations:
        conversation.participants.create(identity=alice)
    for conversation in (conversations[2], conversations[0], conversations[1]):
        conversation.messages.create(body="ping")
    expected = [conversations[n].fetch().sid for n in (1, 0, 2)]
    assert [row.conversation_sid for row in service.users(alice).user_conversations.list()] == expected
