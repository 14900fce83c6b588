"""Every operation that is served, once in each form, held against the public description of the API.

All answers of all suites are held against it; this one asks that no operation was left out, and that the judge
itself has teeth.
"""

import copy
import json

import pytest
from harness import contract
from harness.raw import call, make

pytestmark = pytest.mark.both

VERBS = ("Create", "Fetch", "Update", "Delete", "List")
EVERYWHERE = {
    "Conversation": VERBS, "ConversationMessage": VERBS, "ConversationParticipant": VERBS, "User": VERBS,
    "UserConversation": ("Fetch", "Update", "Delete", "List"), "Role": VERBS,
    "ConversationMessageReceipt": ("Fetch", "List"), "ConversationWithParticipants": ("Create",),
    "ParticipantConversation": ("List",),
}
ALONE = {
    "CreateService", "FetchService", "ListService", "DeleteService",
    "FetchServiceConfiguration", "UpdateServiceConfiguration",
    # A binding is fetched and deleted in testkit: devices cannot register yet.
    "ListServiceBinding",
} | {verb + resource for resource in ("Credential", "ConfigurationAddress") for verb in VERBS}
SERVED = ALONE | {
    verb + form + resource for resource, verbs in EVERYWHERE.items() for verb in verbs for form in ("", "Service")
}


def five(server, collection, create, update):
    """Create, fetch, list, update; answers with the path of what was made, still there to be deleted."""
    one = f"{collection}/{make(server, collection, create)['sid']}"
    assert call(server, "GET", one).status == 200
    assert call(server, "GET", collection).status == 200
    assert call(server, "POST", one, update).status == 200
    return one


def walk(server, root):
    """Every operation of one form."""
    role = five(
        server, f"{root}/Roles", {"FriendlyName": "r", "Type": "conversation", "Permission": ["sendMessage"]},
        {"Permission": ["leaveConversation"]},
    )
    user = five(server, f"{root}/Users", {"Identity": f"walker of {len(root)}"}, {"FriendlyName": "Walker"})
    conversation = five(server, f"{root}/Conversations", {"FriendlyName": "walk"}, {"Attributes": "{}"})
    participant = five(
        server, f"{conversation}/Participants",
        {"MessagingBinding.Address": "+15550001111", "MessagingBinding.ProxyAddress": "+15550002222"},
        {"Attributes": "{}"},
    )
    message = five(server, f"{conversation}/Messages", {"Body": "step"}, {"Body": "stride"})
    receipts = call(server, "GET", f"{message}/Receipts")
    assert receipts.status == 200
    assert call(server, "GET", f"{message}/Receipts/{receipts['delivery_receipts'][0]['sid']}").status == 200
    assert call(server, "GET", f"{root}/ParticipantConversations?Address=%2B15550001111").status == 200
    together = call(server, "POST", f"{root}/ConversationWithParticipants", {"Participant": '{"identity":"walker"}'})
    assert together.status == 202
    make(server, f"{conversation}/Participants", {"Identity": f"walker of {len(root)}"})
    membership = f"{user}/Conversations/{conversation.rsplit('/', 1)[1]}"
    assert call(server, "GET", membership).status == 200
    assert call(server, "GET", f"{user}/Conversations").status == 200
    assert call(server, "POST", membership, {"LastReadMessageIndex": "0"}).status == 200
    for path in (membership, message, participant, conversation, user, role):
        assert call(server, "DELETE", path).status == 204


def test_every_operation_keeps_to_the_description(server):
    before = set(contract.seen)
    contract.seen.clear()
    walk(server, "/v1")
    service = make(server, "/v1/Services", {"FriendlyName": "walk"})["sid"]
    assert call(server, "GET", f"/v1/Services/{service}").status == 200
    assert call(server, "GET", "/v1/Services").status == 200
    assert call(server, "GET", f"/v1/Services/{service}/Configuration").status == 200
    assert call(server, "POST", f"/v1/Services/{service}/Configuration", {"ReachabilityEnabled": "true"}).status == 200
    assert call(server, "GET", f"/v1/Services/{service}/Bindings").status == 200
    walk(server, f"/v1/Services/{service}")
    credential = five(server, "/v1/Credentials", {"Type": "fcm"}, {"FriendlyName": "walk"})
    address = {"Type": "email", "Address": "walk@example.com"}
    address = five(server, "/v1/Configuration/Addresses", address, {"FriendlyName": "walk"})
    for path in (credential, address):
        assert call(server, "DELETE", path).status == 204
    assert call(server, "DELETE", f"/v1/Services/{service}").status == 204
    assert contract.seen == SERVED
    contract.seen.update(before)


def test_the_description_is_the_one_we_know():
    known = {identifier for *_, identifier, _ in contract.operations()}
    assert len(known) == 103
    assert SERVED <= known and len(SERVED) == 83


def judged(answer, path, body):
    contract.check("GET", path, answer.status, answer.headers, json.dumps(body))


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.pop("bindings"), lambda body: body.update(extra=1), lambda body: body.update(sid="CH1"),
        lambda body: body.update(date_created="2020-01-01T00:00:00.123Z"), lambda body: body.update(state="open"),
        lambda body: body.update(attributes={}), lambda body: body.update(url="/v1/Conversations/CH1"),
        lambda body: body["links"].pop("export"), lambda body: body["links"].update(more="http://x/v1/"),
    ],
)
def test_the_judge_has_teeth(server, change):
    path = "/v1/Conversations/" + make(server, "/v1/Conversations")["sid"]
    answer = call(server, "GET", path)
    judged(answer, path, answer.json)
    changed = copy.deepcopy(answer.json)
    change(changed)
    with pytest.raises(AssertionError):
        judged(answer, path, changed)


def test_nullables_that_the_description_forgets():
    for name, properties in contract.FORGOTTEN_NULLABLES.items():
        schema = next(s for full, s in contract.definitions().items() if full.rsplit(".", 1)[-1] == name)
        for one in properties:
            assert {"type": "null"} in schema["properties"][one]["anyOf"]
