"""The limits that take a thousand requests to reach."""

import pytest
from harness.clients import refused
from harness.raw import make_many

pytestmark = [pytest.mark.both, pytest.mark.soak]


def test_a_thousand_participants(server, service):
    conversation = service.conversation()
    path = f"{service.path}/Conversations/{conversation.fetch().sid}/Participants"
    make_many(server, [(path, {"Identity": f"member-{n}"}) for n in range(1000)])
    with refused(403, 50417):
        conversation.participants.create(identity="one too many")
    conversation.participants("member-0").delete()
    conversation.participants.create(identity="one who fits")


def test_a_thousand_conversations_for_one_identity(server, service):
    made = make_many(server, [(f"{service.path}/Conversations", {}) for _ in range(1001)])
    paths = [f"{service.path}/Conversations/{one['sid']}/Participants" for one in made]
    make_many(server, [(path, {"Identity": "busy"}) for path in paths[:1000]])
    last = service.conversations(made[1000]["sid"])
    with refused(403, 50214):
        last.participants.create(identity="busy")
    service.conversations(made[0]["sid"]).update(state="closed")
    last.participants.create(identity="busy")
