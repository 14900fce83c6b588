"""Participants: the five operations in both forms, every kind, and what a participant brings and leaves behind."""

from datetime import datetime, timezone

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both


def binding(participant):
    return participant.messaging_binding


def test_the_five_operations_for_a_chat_participant(form, name):
    conversation, alice = form.conversation(), name("alice")

    made = conversation.participants.create(identity=alice, attributes='{"seat": 1}')
    assert made.identity == alice
    assert made.attributes == '{"seat": 1}'
    assert made.messaging_binding is None
    assert made.role_sid == form.role("channel user").sid
    assert made.last_read_message_index is None and made.last_read_timestamp is None
    assert made.date_created == made.date_updated
    assert path_of(made.url) == f"{form.path}/Conversations/{made.conversation_sid}/Participants/{made.sid}"

    assert conversation.participants(made.sid).fetch().identity == alice
    assert conversation.participants(alice).fetch().sid == made.sid
    assert [p.sid for p in conversation.participants.list()] == [made.sid]

    updated = conversation.participants(made.sid).update(attributes='{"seat":2}')
    assert (updated.sid, updated.attributes, updated.identity) == (made.sid, '{"seat":2}', alice)
    assert updated.role_sid == made.role_sid, "what is not named is kept"

    assert conversation.participants(made.sid).delete() is True
    with refused(404, 20404):
        conversation.participants(made.sid).fetch()
    with refused(404, 20404):
        conversation.participants(made.sid).delete()
    assert conversation.participants.list() == []


def test_update_and_delete_find_a_participant_by_identity(form, name):
    conversation, bob = form.conversation(), name("bob")
    conversation.participants.create(identity=bob)
    assert conversation.participants(bob).update(attributes='{"a":1}').attributes == '{"a":1}'
    assert conversation.participants(bob).delete() is True
    with refused(404, 20404):
        conversation.participants(bob).fetch()


def test_the_conversation_may_be_named(form, name):
    unique = name("desk")
    form.conversation(unique_name=unique)
    made = form.conversations(unique).participants.create(identity=name("carol"))
    assert form.conversations(unique).participants(made.sid).fetch().sid == made.sid
    assert form.conversations(made.conversation_sid).participants.list()[0].sid == made.sid


def test_the_path_of_a_missing_participant_is_told(form):
    conversation = form.conversations.create()
    missing = "MB" + "0" * 32
    with refused(404, 20404) as problem:
        form.conversations(conversation.sid).participants(missing).fetch()
    told = f"{form.path.removeprefix('/v1')}/Conversations/{conversation.sid}/Participants/{missing}"
    assert problem.message.endswith(f"The requested resource {told} was not found")


@pytest.mark.parametrize(
    "kind, prefix", [("sms", ""), ("whatsapp", "whatsapp:"), ("rcs", "rcs:")]
)
def test_an_addressed_participant(form, phone, kind, prefix):
    address, proxy = prefix + phone(), prefix + phone()
    made = form.conversation().participants.create(
        messaging_binding_address=address, messaging_binding_proxy_address=proxy
    )
    assert made.identity is None
    assert binding(made) == {"type": kind, "address": address, "proxy_address": proxy}
    assert made.role_sid == form.role("channel user").sid


def test_a_messenger_participant(form, phone):
    address, proxy = f"messenger:{phone()[1:]}", f"messenger:{phone()[1:]}"
    made = form.conversation().participants.create(
        messaging_binding_address=address, messaging_binding_proxy_address=proxy
    )
    assert binding(made) == {"type": "messenger", "address": address, "proxy_address": proxy}


def test_a_role_may_be_chosen_and_changed(form, name):
    conversation, admin = form.conversation(), form.role("channel admin").sid
    made = conversation.participants.create(identity=name("chair"), role_sid=admin)
    assert made.role_sid == admin
    plain = form.role("channel user").sid
    assert conversation.participants(made.sid).update(role_sid=plain).role_sid == plain


def test_dates_may_be_given(form, name):
    conversation = form.conversation()
    then, later = datetime(2015, 12, 16, 22, 18, 37), datetime(2015, 12, 17, 1, 2, 3)
    made = conversation.participants.create(identity=name("old"), date_created=then, date_updated=later)
    assert made.date_created == then.replace(tzinfo=timezone.utc)
    assert made.date_updated == later.replace(tzinfo=timezone.utc)
    moved = conversation.participants(made.sid).update(date_created=later, date_updated=later)
    assert moved.date_created == moved.date_updated == later.replace(tzinfo=timezone.utc)


def test_a_new_identity_becomes_a_user(form, name):
    dora = name("dora")
    with refused(404, 20404):
        form.users(dora).fetch()
    form.conversation().participants.create(identity=dora)
    user = form.users(dora).fetch()
    assert (user.identity, user.attributes, user.friendly_name) == (dora, "{}", None)
    assert user.role_sid == form.role("service user").sid
    form.conversation().participants.create(identity=dora)
    assert form.users(dora).fetch().sid == user.sid, "the second conversation finds the same user"


def test_identities_are_case_sensitive(form, name):
    conversation, eve = form.conversation(), name("eve")
    conversation.participants.create(identity=eve)
    conversation.participants.create(identity=eve.upper())
    assert [p.identity for p in conversation.participants.list()] == [eve, eve.upper()]


def test_a_removed_participant_may_come_back_and_its_messages_stay(form, name):
    conversation, frank = form.conversation(), name("frank")
    first = conversation.participants.create(identity=frank)
    message = conversation.messages.create(author=frank, body="hello")
    assert message.participant_sid == first.sid
    conversation.participants(first.sid).delete()

    kept = conversation.messages(message.sid).fetch()
    assert (kept.author, kept.body) == (frank, "hello")
    assert form.users(frank).user_conversations.list() == []
    second = conversation.participants.create(identity=frank)
    assert second.sid != first.sid


def test_an_update_that_says_nothing_changes_nothing(form, name):
    conversation = form.conversation()
    then = datetime(2020, 1, 1, tzinfo=timezone.utc)
    made = conversation.participants.create(identity=name("calm"), date_updated=then)
    assert conversation.participants(made.sid).update().date_updated == then


def test_the_hooks_header_is_taken_in_any_case(form, name):
    conversation = form.conversation()
    made = conversation.participants.create(identity=name("hook"), x_twilio_webhook_enabled="TrUe")
    conversation.participants(made.sid).update(attributes="{}", x_twilio_webhook_enabled="false")
    assert conversation.participants(made.sid).delete(x_twilio_webhook_enabled="true") is True


def test_participants_are_listed_in_the_order_they_joined(form, name):
    conversation = form.conversation()
    joined = [conversation.participants.create(identity=name(f"p{n}")).sid for n in range(5)]
    assert [p.sid for p in conversation.participants.list()] == joined
