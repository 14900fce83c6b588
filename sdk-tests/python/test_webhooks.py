"""Webhooks of the account, of a service and of a conversation, by the official client: kept, shown and checked."""

import pytest
from harness.clients import path_of, refused
from harness.raw import call

pytestmark = pytest.mark.both

URL = "https://example.com/hook?a=b"
FLOW = "FW" + "a" * 32
ANY = {"configuration_url": URL, "configuration_filters": ["onMessageAdded"]}


@pytest.fixture
def of_account(twilio):
    """Those of the account, which hear of nothing again after the test."""
    context = twilio.conversations.v1.configuration.webhooks()
    yield context
    context.update(pre_webhook_url="", post_webhook_url="", filters="", target="webhook")


@pytest.fixture
def of_service(twilio, service):
    return twilio.conversations.v1.services(service.service_sid).configuration.webhooks()


def test_a_service_has_none_at_first(of_service, service, server):
    seen = of_service.fetch()
    assert (seen.account_sid, seen.chat_service_sid) == (server.account_sid, service.service_sid)
    assert (seen.pre_webhook_url, seen.post_webhook_url, seen.filters, seen.method) == (None, None, None, None)
    assert path_of(seen.url) == f"/v1/Services/{service.service_sid}/Configuration/Webhooks"


def test_those_of_a_service_are_kept(of_service):
    filters = ["onMessageRemoved", "onParticipantAdd"]
    updated = of_service.update(pre_webhook_url=URL, post_webhook_url=URL, filters=filters, method="GET")
    assert (updated.pre_webhook_url, updated.post_webhook_url) == (URL, URL)
    assert (updated.filters, updated.method) == (filters, "GET")
    assert of_service.update(filters=["onUserAdded"]).filters == ["onUserAdded"], "the list is replaced"
    cleared = of_service.update(pre_webhook_url="")
    assert (cleared.pre_webhook_url, cleared.post_webhook_url, cleared.method) == (None, URL, "GET")
    assert of_service.fetch().filters == ["onUserAdded"]


def test_those_of_the_account_are_kept(of_account, server):
    updated = of_account.update(post_webhook_url=URL, filters=["onDeliveryUpdated"], target="flex")
    assert (updated.account_sid, updated.post_webhook_url, updated.target) == (server.account_sid, URL, "flex")
    assert updated.filters == ["onDeliveryUpdated"]
    assert updated.method in ("GET", "POST")
    assert of_account.update(method="get", target="webhook").method == "GET"
    seen = of_account.fetch()
    assert (seen.method, seen.target, seen.post_webhook_url) == ("GET", "webhook", URL)
    assert path_of(seen.url) == "/v1/Configuration/Webhooks"


def test_configurations_are_checked(of_account, of_service):
    for parameters, code in (
        ({"pre_webhook_url": "/relative"}, 50077),
        ({"post_webhook_url": "ftp://example.com"}, 50078),
        ({"post_webhook_url": "https://example.com/" + "x" * 500}, 50078),
        ({"method": "PUT"}, 50055),
        ({"filters": ["onMessageAdded", "onMessageSent"]}, 50054),
        ({"filters": ["onConversationDestroyed"]}, 50054),
    ):
        for webhooks in (of_account, of_service):
            with refused(400, code):
                webhooks.update(**parameters)


def test_the_account_has_no_other_target(of_account):
    with refused(400, 20001):
        of_account.update(target="studio")


def test_targets_of_a_conversation(form):
    conversation = form.conversation()
    made = conversation.webhooks.create(
        target="webhook", configuration_url=URL, configuration_method="get",
        configuration_filters=["onMessageAdded", "onConversationUpdated"], configuration_replay_after=7,
    )
    assert (made.target, made.date_created) == ("webhook", made.date_updated)
    assert made.configuration == {
        "url": URL, "method": "get", "filters": ["onMessageAdded", "onConversationUpdated"], "replay_after": 7
    }
    assert path_of(made.url) == f"{form.path}/Conversations/{made.conversation_sid}/Webhooks/{made.sid}"
    trigger = conversation.webhooks.create(
        target="trigger", configuration_url=URL, configuration_triggers=["help", "HELP me"]
    )
    assert trigger.configuration == {"url": URL, "method": "post", "triggers": ["help", "HELP me"]}
    studio = conversation.webhooks.create(target="studio", configuration_flow_sid=FLOW)
    assert studio.configuration == {"flow_sid": FLOW}
    assert [one.sid for one in conversation.webhooks.list()] == [made.sid, trigger.sid, studio.sid]
    assert conversation.webhooks(trigger.sid).fetch().configuration == trigger.configuration

    updated = conversation.webhooks(trigger.sid).update(
        configuration_url="http://example.org", configuration_triggers=["stop"], configuration_method="GET"
    )
    assert updated.configuration == {"url": "http://example.org", "method": "get", "triggers": ["stop"]}
    assert updated.target == "trigger"
    assert conversation.webhooks(made.sid).delete() is True
    with refused(404, 20404):
        conversation.webhooks(made.sid).fetch()
    with refused(404, 20404):
        conversation.webhooks(made.sid).delete()


def test_webhooks_of_a_conversation_are_checked(form):
    webhooks = form.conversation().webhooks
    for parameters, code in (
        ({"target": ""}, 50368),
        ({"target": "email"}, 50364),
        ({"target": "webhook", "configuration_filters": ["onMessageAdded"]}, 50369),
        ({"target": "webhook", **ANY, "configuration_url": "https://example.com/" + "x" * 500}, 50372),
        ({"target": "webhook", **ANY, "configuration_url": "nowhere"}, 20001),
        ({"target": "webhook", "configuration_url": URL}, 50370),
        ({"target": "webhook", **ANY, "configuration_filters": ["onMessageAdd"]}, 50365),
        ({"target": "webhook", **ANY, "configuration_method": "put"}, 50055),
        ({"target": "trigger", "configuration_url": URL}, 50371),
        ({"target": "trigger", "configuration_url": URL, "configuration_triggers": ["x" * 249]}, 50366),
        ({"target": "trigger", "configuration_url": URL, "configuration_triggers": list("abcdef")}, 50362),
        ({"target": "studio"}, 50367),
        ({"target": "studio", "configuration_flow_sid": "FW1"}, 50367),
    ):
        with refused(400, code):
            webhooks.create(**parameters)
    assert webhooks.list() == []


def test_a_conversation_has_at_most_five(form):
    webhooks = form.conversation().webhooks
    made = [webhooks.create(target="webhook", **ANY).sid for _ in range(5)]
    with refused(400, 50361):
        webhooks.create(target="webhook", **ANY)
    assert [one.sid for one in webhooks.list()] == made
    assert [one.sid for one in webhooks.list(page_size=2)] == made
    assert [one.sid for one in webhooks.list(limit=1000)] == made
    webhooks(made[0]).delete()
    webhooks.create(target="webhook", **ANY)


def test_a_closed_conversation_keeps_them_as_they_are(form):
    conversation = form.conversation()
    made = conversation.webhooks.create(target="webhook", **ANY)
    conversation.update(state="closed")
    with refused(400, 50377):
        conversation.webhooks.create(target="webhook", **ANY)
    with refused(400, 50377):
        conversation.webhooks(made.sid).update(configuration_method="get")
    assert conversation.webhooks(made.sid).fetch().configuration == made.configuration
    assert conversation.webhooks(made.sid).delete() is True


def test_they_go_with_their_conversation(form, name):
    room = name("room")
    conversation = form.conversation(unique_name=room)
    made = conversation.webhooks.create(target="webhook", **ANY)
    assert form.conversations(room).webhooks(made.sid).fetch().sid == made.sid, "by the unique name too"
    conversation.delete()
    with refused(404, 20404):
        conversation.webhooks(made.sid).fetch()
    form.conversation(unique_name=room)
    assert form.conversations(room).webhooks.list() == []


def test_the_path_of_a_service_names_it(server, service):
    path = f"{service.path}/Conversations/{service.conversations.create().sid}/Webhooks"
    form = {"Target": "studio", "Configuration.FlowSid": FLOW}
    assert call(server, "POST", path, form)["chat_service_sid"] == service.service_sid
