"""A conversation made with its participants: all of them in one request, or nothing of it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.clients import path_of, refused
from harness.raw import call
from twilio.base.exceptions import TwilioRestException

pytestmark = pytest.mark.both


def sms(address, proxy):
    return json.dumps({"messaging_binding": {"address": address, "proxy_address": proxy}})


def chat(identity, **more):
    return json.dumps({"identity": identity, **more})


@pytest.fixture
def make(form):
    return lambda *participants, **fields: form.root.conversation_with_participants.create(
        participant=list(participants), **fields
    )


def test_all_of_them_are_there(form, make, name, phone):
    alice, bob, address, line = name("alice"), name("bob"), phone(), phone()
    role = form.role("channel admin").sid
    made = make(
        chat(alice, attributes='{"seat": 1}', role_sid=role), sms(address, line), chat(bob),
        friendly_name="Desk", unique_name=name("desk"), attributes='{"a": 1}', x_twilio_webhook_enabled="true",
    )
    assert (made.state, made.friendly_name, made.attributes) == ("active", "Desk", '{"a": 1}')
    assert (made.chat_service_sid, made.timers, made.bindings) == (form.service_sid, {}, {})
    assert path_of(made.url) == f"{form.path}/Conversations/{made.sid}"
    assert set(made.links) == {"participants", "messages", "webhooks"}

    participants = form.conversations(made.sid).participants.list()
    assert [one.identity for one in participants] == [alice, None, bob]
    assert (participants[0].attributes, participants[0].role_sid) == ('{"seat": 1}', role)
    assert participants[1].messaging_binding == {"type": "sms", "address": address, "proxy_address": line}
    assert [one.conversation_sid for one in form.users(bob).user_conversations.list()] == [made.sid]
    assert form.conversations(made.unique_name).fetch().sid == made.sid


def test_the_status_tells_whether_anybody_is_in(server, form, name):
    path = f"{form.path}/ConversationWithParticipants"
    assert call(server, "POST", path).status == 201
    assert call(server, "POST", path, {"Participant": [chat(name("a")), chat(name("b"))]}).status == 202


def test_every_parameter_of_a_conversation(make, name):
    made = make(state="inactive", timers_inactive="PT1M", timers_closed="PT10M", messaging_service_sid="MG" + "1" * 32)
    assert made.state == "inactive" and set(made.timers) == {"date_inactive", "date_closed"}
    assert made.messaging_service_sid == "MG" + "1" * 32
    with refused(400, 50384):
        make(state="closed")
    unique = name("taken")
    make(unique_name=unique)
    with refused(409, 50353):
        make(chat(name("a")), unique_name=unique)


@pytest.mark.parametrize("spell", [str, lambda key: key.title().replace("_", ""),
                                   lambda key: key[0] + key.title().replace("_", "")[1:]])
def test_three_spellings(form, make, phone, name, spell):
    binding = {spell("address"): phone(), spell("proxy_address"): phone()}
    made = make(json.dumps({spell("messaging_binding"): binding}), json.dumps({spell("identity"): name("alice")}))
    assert len(form.conversations(made.sid).participants.list()) == 2


@pytest.mark.parametrize("spoilt", ["", "alice", "[]", '{"identity":', '{"identity": 1}', '{"messaging_binding": "x"}'])
def test_a_text_that_is_no_participant(make, name, spoilt):
    with refused(400, 50424):
        make(chat(name("alice")), spoilt)


def test_ten_and_no_more(form, make, name):
    made = make(*(chat(name("user")) for _ in range(10)))
    assert len(form.conversations(made.sid).participants.list()) == 10
    with refused(400, 50426):
        make(*(chat(name("user")) for _ in range(11)))


def test_one_that_is_wrong_spoils_all(service, name, phone):
    form, alice, address, line = service, name("alice"), phone(), phone()
    create = form.root.conversation_with_participants.create
    held = create(participant=[sms(address, line)])
    for spoilt, (status, code) in (
        (chat(alice), (409, 50433)), (sms(address, line), (409, 50425)), ("{}", (400, 50204)),
        (sms("nobody", line), (400, 50407)), (sms(address, address), (400, 50409)),
        (chat("system"), (400, 50203)), (chat(name("a"), role_sid="RL" + "f" * 32), (400, 50100)),
    ):
        with refused(status, code):
            create(participant=[chat(alice), chat(name("bob")), sms(phone(), line), spoilt], unique_name="spoilt")
    assert [one.sid for one in form.conversations.list()] == [held.sid]
    assert form.users.list() == []
    assert create(unique_name="spoilt").unique_name == "spoilt"


def test_a_group_is_known_by_its_final_set(form, make, name, phone):
    one, two, line, agent = phone(), phone(), phone(), name("agent")

    def alone(address):
        return json.dumps({"messaging_binding": {"address": address}})

    avatar = json.dumps({"identity": agent, "messaging_binding": {"projected_address": line}})
    pair = form.conversation()
    pair.participants.create(messaging_binding_address=one)
    pair.participants.create(messaging_binding_projected_address=line)
    with refused(400, 50435):
        make(alone(one), avatar)
    with refused(400, 50435):
        make(alone(one), alone(two), chat(agent))
    with refused(409, 50437):
        make(alone(one), alone(one), avatar)
    group = make(alone(one), alone(two), avatar)
    with refused(409, 50438) as problem:
        make(alone(two), avatar, alone(one))
    assert problem.message.endswith(f"already exists as Conversation {group.sid}")
    conversation = form.conversations(group.sid)
    with refused(400, 50513):
        conversation.messages.create(body="by the system")
    sent = conversation.messages.create(author=agent, body="by the agent")
    assert len(conversation.messages(sent.sid).delivery_receipts.list()) == 2


def test_of_many_at_once_one_gets_the_pairs(service, phone):
    pairs = [sms(phone(), phone()) for _ in range(4)]
    create = service.root.conversation_with_participants.create

    def attempt(number):
        try:
            return create(participant=pairs if number % 2 else pairs[::-1]).state
        except TwilioRestException as refusal:
            return refusal.status, refusal.code

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(attempt, range(12)))
    assert sorted(map(str, outcomes)) == sorted(["active"] + ["(409, 50425)"] * 11)
