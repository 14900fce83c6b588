"""Everything that somebody takes part in, looked up by identity or by address."""

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both


@pytest.fixture
def look_up(form):
    return form.root.participant_conversations


def test_by_identity(form, look_up, name):
    alice, unique = name("alice"), name("room")
    room = form.conversations.create(friendly_name="The room", unique_name=unique, attributes='{"a": 1}')
    joined = form.conversations(room.sid).participants.create(identity=alice)
    (row,) = look_up.list(identity=alice)
    assert (row.account_sid, row.chat_service_sid) == (room.account_sid, form.service_sid)
    assert (row.participant_sid, row.participant_identity) == (joined.sid, alice)
    assert row.participant_user_sid == form.users(alice).fetch().sid
    assert row.participant_messaging_binding is None
    assert (row.conversation_sid, row.conversation_unique_name) == (room.sid, unique)
    assert (row.conversation_friendly_name, row.conversation_attributes) == ("The room", '{"a": 1}')
    assert (row.conversation_state, row.conversation_timers) == ("active", {})
    assert row.conversation_created_by == "system"
    assert (row.conversation_date_created, row.conversation_date_updated) == (room.date_created, room.date_updated)
    assert path_of(row.links["conversation"]) == f"{form.path}/Conversations/{room.sid}"
    assert path_of(row.links["participant"]) == f"{form.path}/Conversations/{room.sid}/Participants/{joined.sid}"


def test_by_address(form, look_up, phone):
    address, lines = phone(), [phone(), phone()]
    made = []
    for line in lines:
        conversation = form.conversation()
        made.append(
            conversation.participants.create(messaging_binding_address=address, messaging_binding_proxy_address=line)
        )
    rows = look_up.list(address=address)
    expected = sorted(made, key=lambda one: one.conversation_sid)
    assert [row.participant_sid for row in rows] == [one.sid for one in expected]
    for row, one in zip(rows, expected):
        assert row.participant_user_sid is None and row.participant_identity is None
        assert row.participant_messaging_binding == {
            "type": "sms", "address": address, "proxy_address": one.messaging_binding["proxy_address"],
            "projected_address": None, "name": None, "level": None,
        }
    assert look_up.list(address=lines[0]) == [], "a proxy address is nobody's own"


def test_a_clash_leads_to_its_conversation(form, look_up, phone):
    pair = {"messaging_binding_address": phone(), "messaging_binding_proxy_address": phone()}
    held = form.conversation().participants.create(**pair)
    with refused(409, 50416):
        form.conversation().participants.create(**pair)
    (row,) = look_up.list(address=pair["messaging_binding_address"])
    assert row.conversation_sid == held.conversation_sid
    form.conversations(row.conversation_sid).update(state="closed")
    assert look_up.list(address=pair["messaging_binding_address"])[0].conversation_state == "closed"
    assert form.conversations(row.conversation_sid).delete()
    assert look_up.list(address=pair["messaging_binding_address"]) == []


def test_one_of_the_two_and_no_more(look_up, name):
    with refused(400, 50451):
        look_up.list(identity=name("alice"), address="+15558675310")
    with refused(400, 20001):
        look_up.list()
    assert look_up.list(identity=name("nobody")) == []
    assert look_up.list(address="whatsapp:+15550000000") == []


def test_pages_in_the_order_of_sids(form, look_up, name, phone):
    alice, address = name("alice"), phone()
    for _ in range(7):
        conversation = form.conversation()
        conversation.participants.create(identity=alice)
        conversation.participants.create(messaging_binding_address=address, messaging_binding_proxy_address=phone())
    for by in ({"identity": alice}, {"address": address}):
        everything = [row.conversation_sid for row in look_up.list(**by)]
        assert len(everything) == 7 and everything == sorted(everything)
        assert [row.conversation_sid for row in look_up.stream(**by, page_size=2)] == everything
        page = look_up.page(**by, page_size=3)
        following = page.next_page()
        assert [row.conversation_sid for row in following] == everything[3:6]
        assert [row.conversation_sid for row in following.previous_page()] == everything[:3]


def test_services_do_not_see_one_another(form, service, name, phone):
    alice, address = name("alice"), phone()
    conversation = form.conversation()
    conversation.participants.create(identity=alice)
    conversation.participants.create(messaging_binding_address=address, messaging_binding_proxy_address=phone())
    elsewhere = service.root.participant_conversations
    assert elsewhere.list(identity=alice) == [] and elsewhere.list(address=address) == []
