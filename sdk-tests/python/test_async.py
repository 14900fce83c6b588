"""The official client on asyncio: every operation in both forms, long lists, refusals, and many calls at once."""

import asyncio

import pytest
from harness.clients import Form, refused

pytestmark = pytest.mark.both


@pytest.fixture(params=["short", "long"])
async def form(request, twilio_async, default_service_sid):
    if request.param == "short":
        return Form(twilio_async, default_service_sid, is_long=False)
    made = await twilio_async.conversations.v1.services.create_async(friendly_name="asynchronous")
    return Form(twilio_async, made.sid, is_long=True)


async def conversation_of(form, **fields):
    return form.conversations((await form.conversations.create_async(**fields)).sid)


async def test_conversations(form, name):
    unique = name("desk")
    made = await form.conversations.create_async(unique_name=unique, friendly_name="Desk")
    assert (await form.conversations(unique).fetch_async()).sid == made.sid
    assert (await form.conversations(made.sid).update_async(friendly_name="Table")).friendly_name == "Table"
    assert made.sid in [one.sid for one in await form.conversations.list_async()]
    with refused(409, 50353):
        await form.conversations.create_async(unique_name=unique)
    assert await form.conversations(unique).delete_async() is True
    with refused(404, 20404):
        await form.conversations(made.sid).fetch_async()


async def test_participants(form, name, phone):
    conversation, alice = await conversation_of(form), name("alice")
    made = await conversation.participants.create_async(identity=alice)
    assert (await conversation.participants(alice).fetch_async()).sid == made.sid
    updated = await conversation.participants(made.sid).update_async(attributes='{"a": 1}', last_read_message_index=4)
    assert (updated.attributes, updated.last_read_message_index) == ('{"a": 1}', 4)
    pair = {"messaging_binding_address": phone(), "messaging_binding_proxy_address": phone()}
    bound = await conversation.participants.create_async(**pair)
    assert [p.sid for p in await conversation.participants.list_async()] == [made.sid, bound.sid]
    removed = await conversation.participants(bound.sid).update_async(messaging_binding_proxy_address="null")
    assert removed.messaging_binding == {"type": "sms", "address": pair["messaging_binding_address"]}
    with refused(400, 50440):
        await conversation.participants(bound.sid).update_async(messaging_binding_proxy_address="null")
    with refused(400, 50204):
        await conversation.participants.create_async()
    assert await conversation.participants(made.sid).delete_async() is True
    with refused(404, 20404):
        await conversation.participants(made.sid).fetch_async()


async def test_messages(form):
    conversation = await conversation_of(form)
    made = [await conversation.messages.create_async(body=str(n)) for n in range(3)]
    assert (await conversation.messages(made[1].sid).fetch_async()).index == 1
    assert (await conversation.messages(made[1].sid).update_async(body="one")).body == "one"
    assert [m.body for m in await conversation.messages.list_async(order="desc")] == ["2", "one", "0"]
    assert await conversation.messages(made[0].sid).delete_async() is True
    with refused(400, 50503):
        await conversation.messages.create_async()


async def test_users(form, name):
    alice = name("alice")
    made = await form.users.create_async(identity=alice, friendly_name="Alice")
    assert (await form.users(alice).fetch_async()).sid == made.sid
    assert (await form.users(made.sid).update_async(friendly_name="A.")).friendly_name == "A."
    assert made.sid in [user.sid for user in await form.users.list_async()]
    with refused(409, 50201):
        await form.users.create_async(identity=alice)
    assert await form.users(alice).delete_async() is True


async def test_user_conversations(form, name):
    conversation, alice = await conversation_of(form), name("alice")
    member = await conversation.participants.create_async(identity=alice)
    await conversation.messages.create_async(body="zero")
    rows = form.users(alice).user_conversations
    assert [row.participant_sid for row in await rows.list_async()] == [member.sid]
    row = rows(member.conversation_sid)
    assert (await row.fetch_async()).unread_messages_count is None
    updated = await row.update_async(notification_level="muted", last_read_message_index=0)
    assert (updated.notification_level, updated.unread_messages_count) == ("muted", 0)
    with refused(400, 50210):
        await row.update_async(notification_level="loud")
    assert await row.delete_async() is True
    with refused(404, 20404):
        await row.fetch_async()


async def test_roles(form, name):
    made = await form.roles.create_async(friendly_name=name(), type="service", permission=["joinConversation"])
    assert (await form.roles(made.sid).fetch_async()).type == "service"
    updated = await form.roles(made.sid).update_async(permission=["createConversation"])
    assert updated.permissions == ["createConversation"]
    assert made.sid in [role.sid for role in await form.roles.list_async()]
    with refused(400, 50104):
        await form.roles.create_async(friendly_name=name(), type="service", permission=["fly"])
    assert await form.roles(made.sid).delete_async() is True


async def test_services_and_their_configuration(twilio_async):
    services = twilio_async.conversations.v1.services
    made = await services.create_async(friendly_name="asynchronous")
    assert (await services(made.sid).fetch_async()).friendly_name == "asynchronous"
    assert made.sid in [service.sid for service in await services.list_async()]
    configuration = services(made.sid).configuration()
    assert (await configuration.fetch_async()).reachability_enabled is False
    assert (await configuration.update_async(reachability_enabled=True)).reachability_enabled is True
    assert await services(made.sid).delete_async() is True


async def test_long_lists(twilio_async, name):
    made = await twilio_async.conversations.v1.services.create_async(friendly_name="long lists")
    form = Form(twilio_async, made.sid, is_long=True)
    conversation = await conversation_of(form)
    for start in range(0, 125, 25):
        batch = range(start, start + 25)
        await asyncio.gather(*(form.users.create_async(identity=f"user-{n}") for n in batch))
        await asyncio.gather(*(conversation.messages.create_async(body=str(n)) for n in batch))
        await asyncio.gather(*(conversation.participants.create_async(identity=f"user-{n}") for n in batch))
        await asyncio.gather(*(form.conversations.create_async() for _ in batch))
    assert [m.index for m in await conversation.messages.list_async(page_size=30)] == list(range(125))
    identities = {f"user-{n}" for n in range(125)}
    assert {user.identity for user in await form.users.list_async()} == identities
    assert {p.identity async for p in await conversation.participants.stream_async(page_size=40)} == identities
    assert len({one.sid for one in await form.conversations.list_async()}) == 126
    page = await form.users.page_async(page_size=100)
    assert len(list(page)) == 50
    assert len(list(await page.next_page_async())) == 50


async def test_twenty_at_once_and_one_wins(form, name, phone):
    conversation, alice = await conversation_of(form), name("alice")
    codes = await asyncio.gather(
        *(conversation.participants.create_async(identity=alice) for _ in range(20)), return_exceptions=True
    )
    assert sorted(getattr(error, "code", 0) for error in codes) == [0] + [50433] * 19
    pair = {"messaging_binding_address": phone(), "messaging_binding_proxy_address": phone()}
    contexts = [await conversation_of(form) for _ in range(20)]
    codes = await asyncio.gather(
        *(one.participants.create_async(**pair) for one in contexts), return_exceptions=True
    )
    assert sorted(getattr(error, "code", 0) for error in codes) == [0] + [50416] * 19
