"""Group MMS: telephones without a proxy, projected addresses, and the rules that hold once a group has begun."""

import re

import pytest
from harness.clients import refused

pytestmark = pytest.mark.both


@pytest.fixture
def conversation(form):
    return form.conversation()


def telephone(conversation, address):
    return conversation.participants.create(messaging_binding_address=address)


def gateway(conversation, address):
    return conversation.participants.create(messaging_binding_projected_address=address)


def avatar(conversation, identity, address):
    return conversation.participants.create(identity=identity, messaging_binding_projected_address=address)


def test_the_three_kinds(conversation, name, phone):
    one, two, three, agent = phone(), phone(), phone(), name("agent")
    made = telephone(conversation, one)
    assert made.messaging_binding == {"type": "sms", "address": one}
    assert made.role_sid is None and made.identity is None
    made = gateway(conversation, two)
    assert made.messaging_binding == {"type": "sms", "projected_address": two}
    made = avatar(conversation, agent, three)
    assert made.messaging_binding == {"type": "sms", "projected_address": three}
    assert made.identity == agent and made.role_sid


def test_a_chat_participant_of_a_group_needs_a_projected_address(conversation, name, phone):
    telephone(conversation, phone())
    with refused(400, 50434):
        conversation.participants.create(identity=name("plain"))


def test_nobody_is_in_a_group_twice(conversation, name, phone):
    one, shared, agent = phone(), phone(), name("agent")
    telephone(conversation, one)
    with refused(409, 50437):
        telephone(conversation, one)
    avatar(conversation, agent, shared)
    with refused(409, 50437, 50433):
        avatar(conversation, agent, shared)


def test_a_group_has_ten_participants_at_most(conversation, phone):
    for _ in range(10):
        telephone(conversation, phone())
    with refused(400, 50436):
        telephone(conversation, phone())


def test_one_open_conversation_for_one_set_of_addresses(form, phone):
    one, two, line = phone(), phone(), phone()
    first, second = form.conversation(), form.conversation()
    for conversation in (first, second):
        telephone(conversation, one)
        telephone(conversation, two) if conversation is first else gateway(conversation, line)
    gateway(first, line)
    with refused(409, 50438) as problem:
        telephone(second, two)
    assert re.search(r"already exists as Conversation (CH[a-f0-9]+)", problem.message).group(1) == first.fetch().sid
    first.update(state="closed")
    telephone(second, two)


def test_the_author_must_belong_to_the_group(conversation, name, phone):
    one, line, agent = phone(), phone(), name("agent")
    telephone(conversation, one)
    avatar(conversation, agent, line)
    with refused(400, 50513):
        conversation.messages.create(body="by nobody in particular")
    with refused(400, 50513):
        conversation.messages.create(author=phone(), body="by a stranger")
    assert conversation.messages.create(author=agent, body="by identity").author == agent
    assert conversation.messages.create(author=line, body="by projected address").participant_sid


def test_a_projected_address_is_added_to_a_chat_participant_and_taken_away(conversation, name, phone):
    line, agent = phone(), name("agent")
    made = conversation.participants.create(identity=agent)
    with refused(400, 50442):
        conversation.participants(made.sid).update(messaging_binding_projected_address="null")
    updated = conversation.participants(made.sid).update(messaging_binding_projected_address=line)
    assert updated.messaging_binding == {"type": "sms", "projected_address": line}
    updated = conversation.participants(made.sid).update(messaging_binding_projected_address="NULL")
    assert updated.messaging_binding is None
    assert updated.identity == agent


def test_a_projected_address_is_not_added_to_a_telephone(conversation, phone):
    made = conversation.participants.create(
        messaging_binding_address=phone(), messaging_binding_proxy_address=phone()
    )
    with refused(400, 50443):
        conversation.participants(made.sid).update(messaging_binding_projected_address=phone())


def test_an_agent_takes_over_a_shared_number(form, conversation, name, phone):
    line, agent = phone(), name("agent")
    made = gateway(conversation, line)
    updated = conversation.participants(made.sid).update(identity=agent)
    assert (updated.identity, updated.sid) == (agent, made.sid)
    assert updated.messaging_binding == {"type": "sms", "projected_address": line}
    assert form.users(agent).fetch().identity == agent
    assert [c.conversation_sid for c in form.users(agent).user_conversations.list()] == [made.conversation_sid]
    assert conversation.participants(agent).fetch().sid == made.sid


def test_nobody_else_is_given_an_identity(conversation, name, phone):
    alice = conversation.participants.create(identity=name("alice"))
    with refused(400, 50444):
        conversation.participants(alice.sid).update(identity=name("bob"))
    sms = conversation.participants.create(
        messaging_binding_address=phone(), messaging_binding_proxy_address=phone()
    )
    with refused(400, 50444):
        conversation.participants(sms.sid).update(identity=name("carol"))
