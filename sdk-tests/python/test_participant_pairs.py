"""The pair of address and proxy address: in one open conversation of the account at a time, and how it is freed."""

import re

import pytest
from harness.clients import refused

pytestmark = pytest.mark.both


@pytest.fixture
def pair(phone):
    return {"messaging_binding_address": phone(), "messaging_binding_proxy_address": phone()}


@pytest.fixture
def taken(form, pair):
    """A conversation that holds the pair."""
    conversation = form.conversation()
    conversation.participants.create(**pair)
    return conversation


def sid(conversation):
    return conversation.fetch().sid


def owner_named_in(problem):
    return re.search(r"Conversation (CH[a-f0-9]+)", problem.message).group(1)


def test_the_refusal_names_the_conversation_that_holds_the_pair(form, pair, taken):
    with refused(409, 50416) as problem:
        form.conversation().participants.create(**pair)
    assert owner_named_in(problem) == sid(taken)
    assert problem.message.endswith(
        f"A binding for this participant and proxy address already exists in Conversation {sid(taken)}"
    )


def test_the_same_conversation_refuses_it_too(pair, taken):
    with refused(409, 50416) as problem:
        taken.participants.create(**pair)
    assert owner_named_in(problem) == sid(taken)


def test_the_rule_spans_services(service, pair, taken):
    with refused(409, 50416) as problem:
        service.conversation().participants.create(**pair)
    assert owner_named_in(problem) == sid(taken)


def test_an_inactive_conversation_holds_on(form, pair, taken):
    taken.update(state="inactive")
    with refused(409, 50416):
        form.conversation().participants.create(**pair)


def test_closing_frees_the_pair(form, pair, taken):
    taken.update(state="closed")
    assert form.conversation().participants.create(**pair).messaging_binding["address"]
    assert len(taken.participants.list()) == 1, "the closed conversation keeps its participants"


def test_removing_the_participant_frees_the_pair(form, pair, taken):
    taken.participants(taken.participants.list()[0].sid).delete()
    form.conversation().participants.create(**pair)


def test_deleting_the_conversation_frees_the_pair(form, pair, taken):
    taken.delete()
    form.conversation().participants.create(**pair)


def test_one_address_with_several_proxies_and_one_proxy_for_many(form, phone):
    address, proxies = phone(), [phone(), phone()]
    for proxy in proxies:
        form.conversation().participants.create(
            messaging_binding_address=address, messaging_binding_proxy_address=proxy
        )
    form.conversation().participants.create(
        messaging_binding_address=phone(), messaging_binding_proxy_address=proxies[0]
    )


def test_null_takes_the_proxy_away_and_frees_the_pair(form, pair, taken):
    member = taken.participants.list()[0]
    updated = taken.participants(member.sid).update(messaging_binding_proxy_address="null")
    assert updated.messaging_binding == {"type": "sms", "address": pair["messaging_binding_address"]}
    with refused(400, 50440):
        taken.participants(member.sid).update(messaging_binding_proxy_address="null")
    form.conversation().participants.create(**pair)


def test_empty_means_null(pair, taken):
    member = taken.participants.list()[0]
    updated = taken.participants(member.sid).update(messaging_binding_proxy_address="")
    assert "proxy_address" not in updated.messaging_binding


def test_a_proxy_comes_back(pair, taken, phone):
    member = taken.participants.list()[0]
    taken.participants(member.sid).update(messaging_binding_proxy_address="null")
    proxy = phone()
    updated = taken.participants(member.sid).update(messaging_binding_proxy_address=proxy)
    assert updated.messaging_binding == {
        "type": "sms", "address": pair["messaging_binding_address"], "proxy_address": proxy,
    }


def test_a_proxy_does_not_come_back_into_a_pair_that_is_taken(form, pair, taken):
    member = taken.participants.list()[0]
    taken.participants(member.sid).update(messaging_binding_proxy_address="null")
    other = form.conversation()
    other.participants.create(**pair)
    with refused(409, 50416) as problem:
        taken.participants(member.sid).update(
            messaging_binding_proxy_address=pair["messaging_binding_proxy_address"]
        )
    assert owner_named_in(problem) == sid(other)


def test_a_proxy_is_not_added_where_one_is(pair, taken, phone):
    member = taken.participants.list()[0]
    with refused(400, 50441) as problem:
        taken.participants(member.sid).update(messaging_binding_proxy_address=phone())
    assert problem.message.endswith("Failed to add a proxy address to a participant")
    with refused(400, 50441):
        taken.participants(member.sid).update(
            messaging_binding_proxy_address=pair["messaging_binding_proxy_address"]
        )


def test_a_chat_participant_has_no_proxy_to_add_or_remove(form, name, phone):
    conversation = form.conversation()
    alice = conversation.participants.create(identity=name("alice"))
    with refused(400, 50441):
        conversation.participants(alice.sid).update(messaging_binding_proxy_address=phone())
    with refused(400, 50440):
        conversation.participants(alice.sid).update(messaging_binding_proxy_address="null")
