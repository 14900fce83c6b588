"""Conversations: fetch, create, update and delete in both forms, names, states, timers, and their refusals."""

from datetime import datetime, timedelta, timezone

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both

FINAL = "Can't update conversation as it's in final closed state"


def test_an_empty_create_makes_a_whole_conversation(form):
    made = form.conversations.create()
    assert (made.state, made.attributes, made.timers, made.bindings) == ("active", "{}", {}, {})
    assert made.friendly_name is None and made.unique_name is None
    assert made.chat_service_sid == form.service_sid
    assert made.messaging_service_sid.startswith("MG"), "the account has a default messaging service"
    assert made.date_created == made.date_updated
    assert abs(made.date_created - datetime.now(timezone.utc)) < timedelta(minutes=1)
    own = f"{form.path}/Conversations/{made.sid}"
    assert path_of(made.url) == own
    assert {key: path_of(url) for key, url in made.links.items()} == {
        "participants": f"{own}/Participants", "messages": f"{own}/Messages",
        "webhooks": f"{own}/Webhooks", "export": f"{own}/Export",
    }


def test_create_fetch_update_delete(form, name):
    unique, then = name("desk"), datetime(2019, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    made = form.conversations.create(
        friendly_name="Desk", unique_name=unique, attributes='{"a": [1,  2]}', state="inactive",
        messaging_service_sid="MG" + "1" * 32, date_created=then, date_updated=then,
    )
    assert (made.friendly_name, made.unique_name, made.attributes) == ("Desk", unique, '{"a": [1,  2]}')
    assert (made.state, made.messaging_service_sid) == ("inactive", "MG" + "1" * 32)
    assert made.date_created == made.date_updated == then

    assert form.conversations(made.sid).fetch().unique_name == unique
    assert form.conversations(unique).fetch().sid == made.sid

    updated = form.conversations(unique).update(friendly_name="Table", state="active", attributes="{}")
    assert (updated.friendly_name, updated.state, updated.attributes) == ("Table", "active", "{}")
    assert updated.unique_name == unique and updated.date_created == then and updated.date_updated > then

    assert form.conversations(unique).delete() is True
    for key in (made.sid, unique):
        with refused(404, 20404) as problem:
            form.conversations(key).fetch()
        told = f"{form.path.removeprefix('/v1')}/Conversations/{key}"
        assert problem.message.endswith(f"The requested resource {told} was not found")
        with refused(404, 20404):
            form.conversations(key).delete()
        with refused(404, 20404):
            form.conversations(key).update(friendly_name="gone")


def test_deleting_takes_everything_along(form, name):
    alice, unique = name("alice"), name("desk")
    conversation = form.conversation(unique_name=unique)
    conversation.participants.create(identity=alice)
    conversation.messages.create(body="hi")
    conversation.delete()
    with refused(404, 20404):
        conversation.messages.list()
    with refused(404, 20404):
        conversation.participants.list()
    assert form.users(alice).user_conversations.list() == []
    assert form.conversations.create(unique_name=unique).unique_name == unique


def test_an_update_that_says_nothing_changes_nothing(form):
    then = datetime(2020, 1, 1, tzinfo=timezone.utc)
    conversation = form.conversation(friendly_name="calm", date_updated=then)
    updated = conversation.update()
    assert (updated.date_updated, updated.friendly_name) == (then, "calm")
    assert conversation.update(state="active").state == "active"


def test_an_empty_friendly_name_is_ignored_and_an_empty_unique_name_clears(form, name):
    conversation = form.conversation(friendly_name="kept", unique_name=name("gone"))
    updated = conversation.update(friendly_name="", unique_name="")
    assert (updated.friendly_name, updated.unique_name) == ("kept", None)


def test_unique_names(form, service, name):
    unique = name("desk")
    first = form.conversation(unique_name=unique)
    with refused(409, 50353) as problem:
        form.conversations.create(unique_name=unique)
    assert problem.message.endswith("Conversation with provided unique name already exists")
    other = form.conversation()
    with refused(409, 50353):
        other.update(unique_name=unique)
    assert first.update(unique_name=unique).unique_name == unique, "its own name is no clash"
    assert other.update(unique_name=unique.upper()).unique_name == unique.upper(), "names are case-sensitive"
    assert service.conversations.create(unique_name=unique).unique_name == unique, "services do not share names"

    first.update(state="closed")
    with refused(409, 50353):
        form.conversations.create(unique_name=unique)
    first.delete()
    form.conversations.create(unique_name=unique)


@pytest.mark.parametrize("awkward", ["with space", "Zoë", "a+b@c", "x" * 256])
def test_awkward_unique_names(service, awkward):
    made = service.conversations.create(unique_name=awkward)
    assert service.conversations(awkward).fetch().sid == made.sid


def test_names_that_are_none(form):
    with refused(400, 50390):
        form.conversations.create(unique_name="CH" + "a" * 32)
    with refused(400, 50004):
        form.conversations.create(unique_name="x" * 257)
    with refused(400, 50003):
        form.conversations.create(friendly_name="x" * 257)
    conversation = form.conversation()
    with refused(400, 50390):
        conversation.update(unique_name="CH" + "a" * 32)
    with refused(400, 50003):
        conversation.update(friendly_name="x" * 257)


def test_attributes_dates_and_messaging_service(form):
    with refused(400, 50304) as problem:
        form.conversations.create(attributes='{"a":')
    assert problem.message.endswith("Attributes not valid JSON")
    with refused(400, 50303):
        form.conversations.create(attributes='"%s"' % ("x" * 16384))
    with refused(400, 50308):
        form.conversations.create(date_created="then")
    with refused(400, 50309):
        form.conversations.create(date_updated="then")
    with refused(400, 50341):
        form.conversations.create(messaging_service_sid="MG123")
    conversation = form.conversation()
    for wrong, code in (
        ({"attributes": "{"}, 50304), ({"attributes": '"%s"' % ("x" * 16384)}, 50303),
        ({"date_created": "then"}, 50308), ({"date_updated": "then"}, 50309),
        ({"messaging_service_sid": "nonsense"}, 50341),
    ):
        with refused(400, code):
            conversation.update(**wrong)


def test_states(form):
    with refused(400, 50384):
        form.conversations.create(state="closed")
    for wrong, code in (("initializing", 50378), ("open", 50378), ("", 50374)):
        with refused(400, code):
            form.conversations.create(state=wrong)
    conversation = form.conversation()
    for wrong, code in (("initializing", 50378), ("open", 50378), ("", 50374)):
        with refused(400, code):
            conversation.update(state=wrong)
    for state in ("inactive", "active", "InActive", "ACTIVE"):
        assert conversation.update(state=state).state == state.lower()


def test_closed_is_final(form):
    conversation = form.conversation(friendly_name="done")
    assert conversation.update(state="closed").state == "closed"
    for change in ({"state": "active"}, {"friendly_name": "again"}, {"attributes": "{}"}):
        with refused(400, 50377) as problem:
            conversation.update(**change)
        assert problem.message.endswith(FINAL)
    assert conversation.fetch().friendly_name == "done"
    assert conversation.delete() is True


def test_timers_count_from_the_last_change(form):
    base = datetime(2015, 12, 16, 22, 18, 38)
    made = form.conversations.create(
        state="inactive", timers_inactive="PT1M", timers_closed="PT10M", date_updated=base
    )
    assert made.timers == {"date_inactive": "2015-12-16T22:19:38Z", "date_closed": "2015-12-16T22:28:38Z"}


def test_timers_are_set_and_switched_off(form):
    conversation = form.conversation(timers_closed="P30D")
    assert set(conversation.fetch().timers) == {"date_closed"}
    assert set(conversation.update(timers_inactive="PT1H").timers) == {"date_inactive", "date_closed"}
    assert set(conversation.update(timers_closed="PT0S").timers) == {"date_inactive"}


@pytest.mark.parametrize(
    "timer, value, code",
    [
        ("timers_inactive", "PT59S", 50375), ("timers_inactive", "soon", 50379),
        ("timers_closed", "PT9M59S", 50376), ("timers_closed", "10 minutes", 50380),
    ],
)
def test_timers_that_are_none(form, timer, value, code):
    with refused(400, code):
        form.conversations.create(state="active", **{timer: value})
    with refused(400, code):
        form.conversation().update(**{timer: value})


def test_email_bindings(form):
    made = form.conversations.create(bindings_email_address="desk@example.org", bindings_email_name="Desk")
    assert made.bindings == {"email": {"projected_address": "desk@example.org", "name": "Desk"}}


def test_a_conversation_of_another_service_is_not_there(form, service):
    elsewhere = service.conversations.create()
    with refused(404, 20404):
        form.conversations(elsewhere.sid).fetch()
