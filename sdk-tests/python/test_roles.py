"""Roles: the five operations in both forms, what a role may hold, and roles that cannot go."""

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both


def test_the_five_operations(form, name):
    friendly = name("moderator")
    made = form.roles.create(friendly_name=friendly, type="conversation", permission=["sendMessage", "editOwnMessage"])
    assert (made.friendly_name, made.type) == (friendly, "conversation")
    assert made.permissions == ["sendMessage", "editOwnMessage"]
    assert made.chat_service_sid == form.service_sid
    assert made.date_created == made.date_updated
    assert path_of(made.url) == f"{form.path}/Roles/{made.sid}"

    assert form.roles(made.sid).fetch().permissions == ["sendMessage", "editOwnMessage"]
    assert form.roles.list()[-1].sid == made.sid, "the newest role comes last"

    updated = form.roles(made.sid).update(permission=["leaveConversation", "addParticipant", "deleteAnyMessage"])
    assert updated.permissions == ["leaveConversation", "addParticipant", "deleteAnyMessage"], "in the order given"
    assert (updated.friendly_name, updated.type) == (friendly, "conversation")
    assert form.roles(made.sid).update(permission=["sendMessage"]).permissions == ["sendMessage"]

    assert form.roles(made.sid).delete() is True
    with refused(404, 20404):
        form.roles(made.sid).fetch()
    with refused(404, 20404):
        form.roles(made.sid).update(permission=["sendMessage"])
    with refused(404, 20404):
        form.roles(made.sid).delete()


def test_types_are_taken_in_any_case(form, name):
    made = form.roles.create(friendly_name=name(), type="SerVice", permission=["createConversation"])
    assert made.type == "service"
    with refused(400, 50105):
        form.roles.create(friendly_name=name(), type="deployment", permission=["createConversation"])


def test_permissions_must_exist_and_fit_the_type(form, name):
    for kind, permission in (
        ("conversation", "fly"), ("conversation", "createConversation"), ("service", "sendMessage"),
        ("service", "inviteMember"),
    ):
        with refused(400, 50104):
            form.roles.create(friendly_name=name(), type=kind, permission=[permission])
    made = form.roles.create(friendly_name=name(), type="service", permission=["joinConversation"])
    with refused(400, 50104):
        form.roles(made.sid).update(permission=["joinConversation", "leaveConversation"])
    assert form.roles(made.sid).fetch().permissions == ["joinConversation"]


def test_names(form, name):
    with refused(400, 50000):
        form.roles.create(friendly_name="", type="service", permission=["joinConversation"])
    with refused(400, 50003):
        form.roles.create(friendly_name="x" * 65, type="service", permission=["joinConversation"])
    longest = name().ljust(64, "x")
    made = form.roles.create(friendly_name=longest, type="service", permission=["joinConversation"])
    assert made.friendly_name == longest


def test_a_role_in_use_stays(form, name):
    role = form.roles.create(friendly_name=name(), type="conversation", permission=["sendMessage"])
    conversation = form.conversation()
    member = conversation.participants.create(identity=name(), role_sid=role.sid)
    with refused(409, 20409):
        form.roles(role.sid).delete()
    conversation.participants(member.sid).delete()
    assert form.roles(role.sid).delete() is True


def test_a_default_role_stays(form):
    for friendly in ("channel user", "channel admin", "service user"):
        with refused(409, 20409):
            form.roles(form.role(friendly).sid).delete()


def test_roles_belong_to_their_service(form, service, name):
    role = service.roles.create(friendly_name=name(), type="conversation", permission=["sendMessage"])
    with refused(404, 20404):
        form.roles(role.sid).fetch()
    with refused(400, 50100, 50101, 50109):
        form.conversation().participants.create(identity=name(), role_sid=role.sid)
