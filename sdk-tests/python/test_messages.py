"""Messages: the five operations in both forms, indexes, authors, what a message does to its conversation."""

from datetime import datetime, timezone

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both


@pytest.fixture
def conversation(form):
    return form.conversation()


def test_the_five_operations(form, conversation, name):
    alice = name("alice")
    member = conversation.participants.create(identity=alice)
    made = conversation.messages.create(author=alice, body="Hello", attributes='{"mood": "fine"}')
    assert (made.index, made.author, made.body, made.attributes) == (0, alice, "Hello", '{"mood": "fine"}')
    assert made.participant_sid == member.sid
    assert made.media is None and made.delivery is None and made.content_sid is None
    assert made.date_created == made.date_updated
    own = f"{form.path}/Conversations/{made.conversation_sid}/Messages/{made.sid}"
    assert path_of(made.url) == own
    assert path_of(made.links["delivery_receipts"]) == f"{own}/Receipts"

    assert conversation.messages(made.sid).fetch().body == "Hello"
    assert [m.sid for m in conversation.messages.list()] == [made.sid]

    updated = conversation.messages(made.sid).update(author="regretful", body="Hullo", attributes="{}")
    assert (updated.author, updated.body, updated.attributes, updated.index) == ("regretful", "Hullo", "{}", 0)
    assert conversation.messages(made.sid).update(attributes="[]").body == "Hullo", "what is not named is kept"

    assert conversation.messages(made.sid).delete() is True
    with refused(404, 20404):
        conversation.messages(made.sid).fetch()
    with refused(404, 20404):
        conversation.messages(made.sid).update(body="gone")
    with refused(404, 20404):
        conversation.messages(made.sid).delete()


def test_defaults(conversation):
    made = conversation.messages.create(body="Hello")
    assert (made.author, made.participant_sid, made.index, made.attributes) == ("system", None, 0, "{}")


def test_indexes_grow_by_one_and_are_never_used_again(conversation):
    made = [conversation.messages.create(body=str(n)) for n in range(4)]
    assert [m.index for m in made] == [0, 1, 2, 3]
    conversation.messages(made[3].sid).delete()
    conversation.messages(made[1].sid).delete()
    assert conversation.messages.create(body="next").index == 4
    assert [m.index for m in conversation.messages.list()] == [0, 2, 4]


def test_both_orders(conversation):
    for n in range(3):
        conversation.messages.create(body=str(n))
    assert [m.body for m in conversation.messages.list()] == ["0", "1", "2"]
    assert [m.body for m in conversation.messages.list(order="asc")] == ["0", "1", "2"]
    assert [m.body for m in conversation.messages.list(order="desc")] == ["2", "1", "0"]
    assert [m.body for m in conversation.messages.list(order="DeSc", limit=1)] == ["2"]


def test_an_index_is_no_key(conversation):
    conversation.messages.create(body="zero")
    with refused(404, 20404):
        conversation.messages("0").fetch()


def test_an_author_need_not_take_part(form, conversation, name):
    stranger = name("stranger")
    made = conversation.messages.create(author=stranger, body="passing by")
    assert (made.author, made.participant_sid) == (stranger, None)
    with refused(404, 20404):
        form.users(stranger).fetch()
    assert conversation.participants.list() == []


def test_a_telephone_writes_under_its_address(conversation, phone):
    address = phone()
    member = conversation.participants.create(
        messaging_binding_address=address, messaging_binding_proxy_address=phone()
    )
    assert conversation.messages.create(author=address, body="hi").participant_sid == member.sid
    told = conversation.messages.create(body="hi yourself")
    assert told.delivery is None, "nothing has been delivered when the create answers"


def test_dates_may_be_given_and_do_not_change_the_order(conversation):
    conversation.messages.create(body="today")
    then = datetime(2010, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    old = conversation.messages.create(body="long ago", date_created=then, date_updated=then)
    assert (old.index, old.date_created, old.date_updated) == (1, then, then)
    assert [m.body for m in conversation.messages.list()] == ["today", "long ago"]
    moved = conversation.messages(old.sid).update(date_updated=datetime(2011, 1, 1))
    assert moved.date_updated == datetime(2011, 1, 1, tzinfo=timezone.utc)


def test_what_a_message_must_have(conversation):
    with refused(400, 50503):
        conversation.messages.create()
    assert conversation.messages.create(attributes='{"only": "this"}').body is None


def test_lengths(conversation):
    longest = "x" * 32768
    assert conversation.messages.create(body=longest).body == longest
    with refused(400, 50504):
        conversation.messages.create(body=longest + "x")
    with refused(400, 50310):
        conversation.messages.create(body="hi", author="x" * 257)
    with refused(400, 50303):
        conversation.messages.create(body="hi", attributes='"%s"' % ("x" * 4096))
    made = conversation.messages.create(body="hi")
    with refused(400, 50504):
        conversation.messages(made.sid).update(body=longest + "x")
    with refused(400, 50303):
        conversation.messages(made.sid).update(attributes='"%s"' % ("x" * 4096))


def test_values_that_are_none(conversation):
    with refused(400, 50304):
        conversation.messages.create(body="hi", attributes="{")
    with refused(400, 50308):
        conversation.messages.create(body="hi", date_created="then")
    with refused(400, 50309):
        conversation.messages.create(body="hi", date_updated="then")
    with refused(400):
        conversation.messages.create(body="hi", x_twilio_webhook_enabled="perhaps")
    made = conversation.messages.create(body="hi")
    with refused(400, 50304):
        conversation.messages(made.sid).update(attributes="{")
    with refused(400, 50308):
        conversation.messages(made.sid).update(date_created="then")


def test_text_comes_back_as_it_went(conversation):
    text = " tab\tline\r\nnext\n\u00e9\U0001f600 & = + % \\ \" ' \u202e"
    assert conversation.messages.create(body=text, author="Zoë & Co").body == text
    kept = conversation.messages.list()[0]
    assert (kept.body, kept.author) == (text, "Zoë & Co")


def test_a_message_wakes_an_inactive_conversation(conversation):
    conversation.update(state="inactive")
    conversation.messages.create(body="wake up")
    assert conversation.fetch().state == "active"


def test_a_closed_conversation_takes_no_message(conversation):
    made = conversation.messages.create(body="last words")
    conversation.update(state="closed")
    with refused(400, 50377):
        conversation.messages.create(body="too late")
    with refused(400, 50377):
        conversation.messages(made.sid).update(body="too late")
    assert conversation.messages(made.sid).fetch().body == "last words"


def test_conversations_do_not_share_messages(form, conversation):
    made = conversation.messages.create(body="mine")
    with refused(404, 20404):
        form.conversation().messages(made.sid).fetch()
    with refused(404, 20404):
        form.conversations("CH" + "0" * 32).messages.create(body="nowhere")


def test_the_conversation_may_be_named(form, name):
    unique = name("desk")
    form.conversation(unique_name=unique)
    made = form.conversations(unique).messages.create(body="by name")
    assert form.conversations(unique).messages(made.sid).fetch().body == "by name"
