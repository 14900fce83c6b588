"""Services and their configuration: a service is born whole, alone, and takes everything with it when it goes."""

import pytest
from harness.clients import Form, path_of, refused

pytestmark = pytest.mark.both

MISSING = "IS" + "0" * 32


@pytest.fixture
def services(twilio):
    return twilio.conversations.v1.services


def test_create_fetch_list_delete(services, server, default_service_sid):
    made = services.create(friendly_name="Support")
    assert (made.friendly_name, made.account_sid) == ("Support", server.account_sid)
    assert made.date_created == made.date_updated
    assert path_of(made.url) == f"/v1/Services/{made.sid}"
    assert path_of(made.links["configuration"]) == f"/v1/Services/{made.sid}/Configuration"
    assert services(made.sid).fetch().friendly_name == "Support"
    listed = [service.sid for service in services.list()]
    assert made.sid in listed and listed[0] == default_service_sid, "the default service comes first"

    assert services(made.sid).delete() is True
    with refused(404, 20404):
        services(made.sid).fetch()
    with refused(404, 20404):
        services(made.sid).delete()
    assert made.sid not in [service.sid for service in services.list()]


def test_names(services):
    with refused(400, 50000):
        services.create(friendly_name="")
    with refused(400, 50003):
        services.create(friendly_name="x" * 257)
    assert services.create(friendly_name="x" * 256).friendly_name == "x" * 256


def test_a_service_is_born_with_four_roles_and_its_configuration(service, services):
    roles = {role.friendly_name: role for role in service.roles.list()}
    assert {name: role.type for name, role in roles.items()} == {
        "service admin": "service", "service user": "service",
        "channel admin": "conversation", "channel user": "conversation",
    }
    configuration = services(service.service_sid).configuration().fetch()
    assert configuration.default_chat_service_role_sid == roles["service user"].sid
    assert configuration.default_conversation_role_sid == roles["channel user"].sid
    assert configuration.default_conversation_creator_role_sid == roles["channel admin"].sid
    assert configuration.reachability_enabled is False
    assert configuration.chat_service_sid == service.service_sid


def test_the_configuration_decides_new_roles(service, services, name):
    configuration = services(service.service_sid).configuration()
    talker = service.roles.create(friendly_name="talker", type="conversation", permission=["sendMessage"])
    maker = service.roles.create(friendly_name="maker", type="service", permission=["createConversation"])
    updated = configuration.update(
        default_conversation_role_sid=talker.sid, default_chat_service_role_sid=maker.sid,
        default_conversation_creator_role_sid=talker.sid, reachability_enabled=True,
    )
    assert updated.default_conversation_role_sid == talker.sid
    assert updated.default_chat_service_role_sid == maker.sid
    assert updated.default_conversation_creator_role_sid == talker.sid
    assert updated.reachability_enabled is True
    assert configuration.update(reachability_enabled=False).default_conversation_role_sid == talker.sid

    alice = name("alice")
    assert service.conversation().participants.create(identity=alice).role_sid == talker.sid
    assert service.users(alice).fetch().role_sid == maker.sid


def test_a_configuration_wants_roles_of_the_right_type(service, services):
    configuration = services(service.service_sid).configuration()
    of_service, of_conversation = service.role("service admin").sid, service.role("channel admin").sid
    with refused(400, 50101, 50109):
        configuration.update(default_conversation_role_sid=of_service)
    with refused(400, 50101, 50109):
        configuration.update(default_conversation_creator_role_sid=of_service)
    with refused(400, 50102):
        configuration.update(default_chat_service_role_sid=of_conversation)
    with refused(400, 50100, 50102):
        configuration.update(default_chat_service_role_sid="RL" + "0" * 32)


def test_a_deleted_service_takes_everything_with_it(twilio, services, name):
    service = Form(twilio, services.create(friendly_name="short-lived").sid, is_long=True)
    alice = name("alice")
    conversation = service.conversation()
    conversation.participants.create(identity=alice)
    services(service.service_sid).delete()
    for operation in (
        service.conversations.list, service.users.list, service.roles.list, conversation.fetch,
        service.users(alice).fetch, services(service.service_sid).configuration().fetch,
    ):
        with refused(404, 20404):
            operation()


def test_a_deleted_service_frees_its_pairs(twilio, services, service, phone):
    pair = {"messaging_binding_address": phone(), "messaging_binding_proxy_address": phone()}
    doomed = Form(twilio, services.create(friendly_name="short-lived").sid, is_long=True)
    doomed.conversation().participants.create(**pair)
    services(doomed.service_sid).delete()
    service.conversation().participants.create(**pair)


def test_the_default_service_stays(services, default_service_sid):
    with refused(409, 20409):
        services(default_service_sid).delete()


def test_short_and_long_paths_meet_in_the_default_service(twilio, default_service_sid):
    short = Form(twilio, default_service_sid, is_long=False)
    long = Form(twilio, default_service_sid, is_long=True)
    made = short.conversations.create(friendly_name="one and the same")
    seen = long.conversations(made.sid).fetch()
    assert seen.sid == made.sid
    assert path_of(seen.url) == f"/v1/Services/{default_service_sid}/Conversations/{made.sid}"


def test_a_service_that_is_not_there(services):
    for operation in (
        services(MISSING).fetch, services(MISSING).conversations.list, services(MISSING).users.list,
        services(MISSING).conversations.create, services(MISSING).configuration().fetch,
    ):
        with refused(404, 20404):
            operation()
