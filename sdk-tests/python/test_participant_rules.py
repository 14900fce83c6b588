"""What a participant may not be: the refusals of create and update, each with its status and code."""

import pytest
from harness.clients import refused

pytestmark = pytest.mark.both

MISSING_ROLE = "RL" + "0" * 32


def bound(conversation, address, proxy):
    return conversation.participants.create(
        messaging_binding_address=address, messaging_binding_proxy_address=proxy
    )


@pytest.fixture
def conversation(form):
    return form.conversation()


def test_nobody(conversation):
    with refused(400, 50204) as problem:
        conversation.participants.create()
    assert problem.message.endswith("Identity not provided")


def test_identity_and_address_together(conversation, name, phone):
    with refused(400, 50211):
        conversation.participants.create(
            identity=name(), messaging_binding_address=phone(), messaging_binding_proxy_address=phone()
        )


def test_empty_addresses(conversation, phone):
    with refused(400, 50411):
        bound(conversation, "", phone())
    with refused(400, 50412):
        bound(conversation, phone(), "")
    with refused(400, 50411, 50407):
        conversation.participants.create(messaging_binding_proxy_address=phone())


@pytest.mark.parametrize("wrong", ["+1-555-1234", "+", "+1" + "5" * 300, "whatsapp:hello", "+1555abc", "hello"])
def test_addresses_that_are_none(conversation, phone, wrong):
    fellow = "whatsapp:" + phone() if wrong.startswith("whatsapp") else phone()
    with refused(400, 50407) as problem:
        bound(conversation, wrong, fellow)
    assert problem.message.endswith("Invalid messaging binding address")
    with refused(400, 50408):
        bound(conversation, fellow, wrong)


def test_a_short_code_is_a_proxy_and_nobodys_address(conversation, phone):
    with refused(400, 50407):
        bound(conversation, "55512", phone())
    assert bound(conversation, phone(), "55512").messaging_binding["proxy_address"] == "55512"


def test_an_address_that_is_its_own_proxy(conversation, phone):
    number = phone()
    with refused(400, 50409):
        bound(conversation, number, number)


def test_address_and_proxy_of_different_channels(conversation, phone):
    with refused(400, 50414):
        bound(conversation, "whatsapp:" + phone(), phone())
    with refused(400, 50414):
        bound(conversation, phone(), "whatsapp:" + phone())


def test_the_same_identity_twice(conversation, name):
    alice = name("alice")
    conversation.participants.create(identity=alice)
    with refused(409, 50433) as problem:
        conversation.participants.create(identity=alice)
    assert problem.message.endswith("Participant already exists")


@pytest.mark.parametrize(
    "identity, code", [("US" + "a" * 32, 50206), ("x" * 257, 50207), ("system", 50203)]
)
def test_identities_that_are_none(conversation, identity, code):
    with refused(400, code):
        conversation.participants.create(identity=identity)


def test_the_longest_identity(conversation, name):
    longest = name().ljust(256, "é")
    assert conversation.participants.create(identity=longest).identity == longest


def test_roles_that_do_not_fit(conversation, form, name):
    with refused(400, 50100, 50101, 50109):
        conversation.participants.create(identity=name(), role_sid=MISSING_ROLE)
    with refused(400, 50101, 50109):
        conversation.participants.create(identity=name(), role_sid=form.role("service user").sid)
    made = conversation.participants.create(identity=name())
    with refused(400, 50101, 50109):
        conversation.participants(made.sid).update(role_sid=form.role("service admin").sid)


def test_attributes(conversation, name):
    with refused(400, 50304) as problem:
        conversation.participants.create(identity=name(), attributes='{"a":')
    assert problem.message.endswith("Attributes not valid JSON")
    with refused(400, 50303):
        conversation.participants.create(identity=name(), attributes='{"a":"%s"}' % ("x" * 4096))
    made = conversation.participants.create(identity=name(), attributes='{"a":"%s"}' % ("x" * 4000))
    with refused(400, 50304):
        conversation.participants(made.sid).update(attributes="not json")
    with refused(400, 50303):
        conversation.participants(made.sid).update(attributes='"%s"' % ("x" * 4096))


def test_dates_that_are_none(conversation, name):
    with refused(400, 50308):
        conversation.participants.create(identity=name(), date_created="yesterday")
    with refused(400, 50309):
        conversation.participants.create(identity=name(), date_updated="2020-13-01T00:00:00Z")
    made = conversation.participants.create(identity=name())
    with refused(400, 50308):
        conversation.participants(made.sid).update(date_created="now")
    with refused(400, 50309):
        conversation.participants(made.sid).update(date_updated="2020-02-30T00:00:00Z")


def test_the_hooks_header_must_be_a_boolean(conversation, name):
    with refused(400):
        conversation.participants.create(identity=name(), x_twilio_webhook_enabled="perhaps")


@pytest.mark.parametrize("index", ["first", "-1", "1.5", "9" * 30, "1e400"])
def test_read_indexes_that_are_none(conversation, name, index):
    made = conversation.participants.create(identity=name())
    with refused(400, 50421):
        conversation.participants(made.sid).update(last_read_message_index=index)


def test_a_read_time_that_is_none(conversation, name):
    made = conversation.participants.create(identity=name())
    with refused(400):
        conversation.participants(made.sid).update(last_read_timestamp="noon")


def test_a_conversation_that_is_not_there(form, name):
    with refused(404, 20404):
        form.conversations("CH" + "0" * 32).participants.create(identity=name())
    with refused(404, 20404):
        form.conversations(name("nowhere")).participants.list()


def test_a_closed_conversation_takes_nobody(form, name, phone):
    closed = form.conversation()
    made = closed.participants.create(identity=name())
    closed.update(state="closed")
    with refused(400, 50377):
        closed.participants.create(identity=name())
    with refused(400, 50377):
        bound(closed, phone(), phone())
    with refused(400, 50377):
        closed.participants(made.sid).update(attributes="{}")
    assert closed.participants(made.sid).fetch().sid == made.sid, "reading goes on"
    assert closed.participants(made.sid).delete() is True, "and so does removing"


def test_no_more_than_fifty_telephones(service, phone):
    conversation, proxy = service.conversation(), phone()
    for _ in range(50):
        bound(conversation, phone(), proxy)
    with refused(403, 50422):
        bound(conversation, phone(), proxy)
    conversation.participants.create(identity="one more, but in chat")
