"""Users: the five operations in both forms, their refusals, and what goes when a user goes."""

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both


def test_the_five_operations(form, name):
    alice = name("alice")
    made = form.users.create(identity=alice, friendly_name="Alice", attributes='{"vip": true}')
    assert (made.identity, made.friendly_name, made.attributes) == (alice, "Alice", '{"vip": true}')
    assert made.role_sid == form.role("service user").sid
    assert made.chat_service_sid == form.service_sid
    assert made.is_online is None and made.is_notifiable is None
    assert made.date_created == made.date_updated
    assert path_of(made.url) == f"{form.path}/Users/{made.sid}"
    assert path_of(made.links["user_conversations"]) == f"{form.path}/Users/{made.sid}/Conversations"

    assert form.users(made.sid).fetch().identity == alice
    assert form.users(alice).fetch().sid == made.sid
    assert made.sid in [user.sid for user in form.users.list()]

    admin = form.role("service admin").sid
    updated = form.users(alice).update(friendly_name="A.", attributes="[]", role_sid=admin)
    assert (updated.friendly_name, updated.attributes, updated.role_sid) == ("A.", "[]", admin)
    assert form.users(made.sid).update(attributes="{}").friendly_name == "A.", "what is not named is kept"

    assert form.users(alice).delete() is True
    for key in (alice, made.sid):
        with refused(404, 20404):
            form.users(key).fetch()
        with refused(404, 20404):
            form.users(key).update(friendly_name="gone")
        with refused(404, 20404):
            form.users(key).delete()


def test_defaults(form, name):
    made = form.users.create(identity=name())
    assert (made.friendly_name, made.attributes) == (None, "{}")


@pytest.mark.parametrize("identity", ["bob@example.org", "with space", "Zoë", "a+b", "tél:+33"])
def test_identities_of_all_kinds(service, identity):
    made = service.users.create(identity=identity)
    assert made.identity == identity
    assert service.users(identity).fetch().sid == made.sid


def test_one_user_for_one_identity(form, name):
    alice = name("alice")
    form.users.create(identity=alice)
    with refused(409, 50201) as problem:
        form.users.create(identity=alice)
    assert problem.message.endswith("User already exists")
    assert form.users.create(identity=alice.upper()).identity == alice.upper(), "identities are case-sensitive"


def test_services_do_not_share_users(form, service, name):
    alice = name("alice")
    assert form.users.create(identity=alice).sid != service.users.create(identity=alice).sid


@pytest.mark.parametrize(
    "identity, code", [("", 50204), ("US" + "0" * 32, 50206), ("x" * 257, 50207), ("system", 50203)]
)
def test_identities_that_are_none(form, identity, code):
    with refused(400, code):
        form.users.create(identity=identity)


def test_the_longest_identity(form, name):
    longest = name().ljust(256, "ü")
    assert form.users.create(identity=longest).identity == longest


def test_roles_that_do_not_fit(form, name):
    with refused(400, 50102):
        form.users.create(identity=name(), role_sid=form.role("channel user").sid)
    with refused(400, 50100, 50102):
        form.users.create(identity=name(), role_sid="RL" + "0" * 32)
    made = form.users.create(identity=name())
    with refused(400, 50102):
        form.users(made.sid).update(role_sid=form.role("channel admin").sid)


def test_attributes(form, name):
    with refused(400, 50304):
        form.users.create(identity=name(), attributes="{")
    with refused(400, 50303):
        form.users.create(identity=name(), attributes='"%s"' % ("x" * 16384))
    made = form.users.create(identity=name(), attributes='"%s"' % ("x" * 16000))
    with refused(400, 50304):
        form.users(made.sid).update(attributes="nope")


def test_reachability_shows_in_a_fetch_but_never_in_a_list(service, twilio, name):
    twilio.conversations.v1.services(service.service_sid).configuration().update(reachability_enabled=True)
    made = service.users.create(identity=name())
    fetched = service.users(made.sid).fetch()
    assert fetched.is_online is False and fetched.is_notifiable is None
    listed = service.users.list()[0]
    assert listed.is_online is None and listed.is_notifiable is None


def test_a_deleted_user_leaves_its_conversations_and_its_messages_stay(form, name):
    bob, carol = name("bob"), name("carol")
    conversation = form.conversation()
    conversation.participants.create(identity=bob)
    conversation.participants.create(identity=carol)
    message = conversation.messages.create(author=bob, body="goodbye")

    form.users(bob).delete()

    assert [p.identity for p in conversation.participants.list()] == [carol]
    with refused(404, 20404):
        conversation.participants(bob).fetch()
    assert conversation.messages(message.sid).fetch().author == bob
    again = conversation.participants.create(identity=bob)
    assert again.identity == bob
    assert form.users(bob).fetch().identity == bob


def test_users_are_listed_in_the_order_they_were_made(service, name):
    made = [service.users.create(identity=name(f"u{n}")).sid for n in range(5)]
    assert [user.sid for user in service.users.list()] == made
