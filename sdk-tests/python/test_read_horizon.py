"""The read horizon and the unread count: null until somebody sets it, then what lies beyond it, a thousand at most."""

from datetime import datetime, timedelta, timezone

import pytest
from harness.clients import refused
from harness.raw import make_many

pytestmark = pytest.mark.both


@pytest.fixture
def alice(form, name):
    """(conversation, participant context, user conversation context) of one reader."""
    conversation, identity = form.conversation(), name("alice")
    participant = conversation.participants.create(identity=identity)
    row = form.users(identity).user_conversations(participant.conversation_sid)
    return conversation, conversation.participants(participant.sid), row


def unread(row):
    fetched = row.fetch()
    return fetched.last_read_message_index, fetched.unread_messages_count


def test_nothing_moves_it_but_the_caller(alice):
    conversation, participant, row = alice
    author = participant.fetch().identity
    for body in ("one", "two"):
        conversation.messages.create(author=author, body=body)
    conversation.messages.list()
    assert unread(row) == (None, None)
    assert participant.fetch().last_read_timestamp is None


def test_participant_and_row_are_one_horizon(alice):
    conversation, participant, row = alice
    for body in ("zero", "one", "two"):
        conversation.messages.create(body=body)
    before = datetime.now(timezone.utc) - timedelta(seconds=2)

    updated = participant.update(last_read_message_index=1)
    assert updated.last_read_message_index == 1
    stamped = datetime.strptime(updated.last_read_timestamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert before <= stamped <= datetime.now(timezone.utc) + timedelta(seconds=2), "an index alone is stamped now"
    assert unread(row) == (1, 1)

    assert row.update(last_read_message_index=2).unread_messages_count == 0
    assert participant.fetch().last_read_message_index == 2

    assert row.update(last_read_message_index=0).unread_messages_count == 2, "REST may move it back"
    conversation.messages.create(body="three")
    assert unread(row) == (0, 3)


def test_ones_own_messages_count(alice):
    conversation, participant, row = alice
    row.update(last_read_message_index=0)
    author = participant.fetch().identity
    for body in ("zero", "one"):
        conversation.messages.create(author=author, body=body)
    assert unread(row) == (0, 1)


def test_removed_messages_do_not_count(alice):
    conversation, _, row = alice
    sids = [conversation.messages.create(body=str(n)).sid for n in range(4)]
    row.update(last_read_message_index=0)
    conversation.messages(sids[2]).delete()
    assert unread(row) == (0, 2)


def test_beyond_the_last_message(alice):
    conversation, _, row = alice
    conversation.messages.create(body="zero")
    updated = row.update(last_read_message_index=41)
    assert (updated.last_read_message_index, updated.unread_messages_count) == (41, 0)


def test_null_clears_it(alice):
    conversation, participant, row = alice
    conversation.messages.create(body="zero")
    participant.update(last_read_message_index=0)
    assert participant.update(last_read_message_index="null").last_read_message_index is None
    assert unread(row) == (None, None)


def test_the_time_may_be_given(alice):
    _, participant, _ = alice
    updated = participant.update(last_read_message_index=3, last_read_timestamp="2020-02-03T04:05:06Z")
    assert (updated.last_read_message_index, updated.last_read_timestamp) == (3, "2020-02-03T04:05:06Z")


def test_a_new_membership_begins_without_one(alice, form):
    conversation, participant, row = alice
    identity = participant.fetch().identity
    participant.update(last_read_message_index=7)
    participant.delete()
    with refused(404, 20404):
        row.fetch()
    conversation.participants.create(identity=identity)
    assert unread(row) == (None, None)


def test_a_thousand_is_enough(alice, server):
    conversation, participant, row = alice
    path = f"/v1/Services/{conversation.fetch().chat_service_sid}/Conversations/{conversation.fetch().sid}/Messages"
    row.update(last_read_message_index=0)
    make_many(server, [(path, {"Body": str(n)}) for n in range(1001)])
    assert unread(row) == (0, 1000)
    make_many(server, [(path, {"Body": "one too many"})] * 3)
    assert unread(row) == (0, 1000)
