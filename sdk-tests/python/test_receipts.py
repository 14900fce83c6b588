"""Delivery receipts: one for each recipient who is not reached by chat, with status null until a channel tells.

No channel is here yet, so what a status does is shown by the suite in Rust.
"""

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both


@pytest.fixture
def desk(form, name, phone):
    """A conversation with three phones, each of its own line, and one who chats."""
    conversation = form.conversation()
    phones = [
        conversation.participants.create(
            messaging_binding_address=phone(), messaging_binding_proxy_address=phone()
        )
        for _ in range(3)
    ]
    conversation.participants.create(identity=name("agent"))
    return conversation, phones


def test_a_receipt_for_each_phone(form, desk):
    conversation, phones = desk
    sent = conversation.messages.create(body="hello")
    assert sent.delivery is None
    receipts = conversation.messages(sent.sid).delivery_receipts.list()
    assert [receipt.participant_sid for receipt in receipts] == [phone.sid for phone in phones]
    for receipt in receipts:
        fetched = conversation.messages(sent.sid).delivery_receipts(receipt.sid).fetch()
        assert (fetched.sid, fetched.message_sid) == (receipt.sid, sent.sid)
        assert fetched.conversation_sid == sent.conversation_sid
        assert fetched.account_sid == sent.account_sid
        assert (fetched.status, fetched.error_code, fetched.channel_message_sid) == (None, None, None)
        assert fetched.date_created == fetched.date_updated
        path = f"{form.path}/Conversations/{sent.conversation_sid}/Messages/{sent.sid}/Receipts/{receipt.sid}"
        assert path_of(fetched.url) == path
    assert path_of(sent.links["delivery_receipts"]) == path.rsplit("/", 1)[0]


def test_the_author_has_none(desk):
    conversation, phones = desk
    author = phones[1].messaging_binding["address"]
    sent = conversation.messages.create(author=author, body="from outside")
    receipts = conversation.messages(sent.sid).delivery_receipts.list()
    assert [receipt.participant_sid for receipt in receipts] == [phones[0].sid, phones[2].sid]


def test_chat_alone_has_none(form, name):
    conversation = form.conversation()
    conversation.participants.create(identity=name("alice"))
    sent = conversation.messages.create(body="hello")
    assert conversation.messages(sent.sid).delivery_receipts.list() == []


def test_who_comes_later_has_none_and_who_left_keeps_his(desk, phone):
    conversation, phones = desk
    sent = conversation.messages.create(body="hello")
    conversation.participants.create(
        messaging_binding_address=phone(), messaging_binding_proxy_address=phone()
    )
    conversation.participants(phones[0].sid).delete()
    receipts = conversation.messages(sent.sid).delivery_receipts.list()
    assert [receipt.participant_sid for receipt in receipts] == [phone.sid for phone in phones]


def test_pages(desk):
    conversation, phones = desk
    sent = conversation.messages.create(body="hello")
    receipts = conversation.messages(sent.sid).delivery_receipts
    everything = [receipt.sid for receipt in receipts.list()]
    assert [receipt.sid for receipt in receipts.stream(page_size=1)] == everything
    page = receipts.page(page_size=2)
    assert [receipt.sid for receipt in page] == everything[:2]
    following = page.next_page()
    assert [receipt.sid for receipt in following] == everything[2:]
    assert [receipt.sid for receipt in following.previous_page()] == everything[:2]


def test_what_is_not_there(desk):
    conversation, _ = desk
    one, other = (conversation.messages.create(body=body) for body in ("one", "other"))
    receipt = conversation.messages(one.sid).delivery_receipts.list()[0].sid
    with refused(404, 20404):
        conversation.messages(other.sid).delivery_receipts(receipt).fetch()
    with refused(404, 20404):
        conversation.messages(one.sid).delivery_receipts("DY" + "f" * 32).fetch()
    assert conversation.messages(one.sid).delete()
    with refused(404, 20404):
        conversation.messages(one.sid).delivery_receipts(receipt).fetch()
    with refused(404, 20404):
        conversation.messages(one.sid).delivery_receipts.list()
