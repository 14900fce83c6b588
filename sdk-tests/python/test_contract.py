"""All operations of the public description: each is called, answers as documented, and shows every property.

The walk follows the description, so an operation that is added there is asked for here. It makes what a path speaks
of by the operations themselves. Only a binding cannot be made so, for a client SDK registers it: its rows are put into
the database while the server is stopped.
"""

import json
import random
import sqlite3
import uuid
from urllib.parse import quote

import psycopg
import pytest
from harness import contract, databases, process
from harness.raw import call

URL = "https://example.org/hook"
VERBS = ("Create", "Fetch", "Update", "Delete", "List")


def unique(word="walker"):
    return f"{word}-{uuid.uuid4().hex[:12]}"


def phone():
    return f"+1{random.randrange(10**12, 10**13)}"


def pair():
    return {"MessagingBinding.Address": phone(), "MessagingBinding.ProxyAddress": phone()}


def participants():
    return {"Participant": [json.dumps({"identity": unique()}) for _ in range(2)]}


# What a new thing of each kind is made of; "Service" before the name makes no difference unless it stands here.
CREATES = {
    "Conversation": lambda: {"FriendlyName": "walk", "UniqueName": unique("desk")},
    "ConversationMessage": lambda: {"Body": "step"},
    "ConversationParticipant": lambda: {"Identity": unique()},
    "ConversationScopedWebhook": lambda: {
        "Target": "webhook", "Configuration.Url": URL, "Configuration.Filters": ["onMessageAdded"],
    },
    "ConversationWithParticipants": participants,
    "ConfigurationAddress": lambda: {"Type": "sms", "Address": phone()},
    "Credential": lambda: {"Type": "fcm", "Secret": "a secret", "FriendlyName": "walk"},
    "Role": lambda: {"FriendlyName": "walk", "Type": "conversation", "Permission": ["sendMessage"]},
    "Service": lambda: {"FriendlyName": "walk"},
    "User": lambda: {"Identity": unique()},
}

# What is changed of each kind.
UPDATES = {
    "Configuration": {"DefaultInactiveTimer": "PT1H"},
    "ConfigurationAddress": {"FriendlyName": "stroll"},
    "ConfigurationWebhook": {"PostWebhookUrl": URL, "Method": "GET"},
    "Conversation": {"FriendlyName": "stroll"},
    "ConversationMessage": {"Body": "stride"},
    "ConversationParticipant": {"Attributes": '{"pace":1}'},
    "ConversationScopedWebhook": {"Configuration.Url": URL + "/2"},
    "Credential": {"FriendlyName": "stroll"},
    "Role": {"Permission": ["leaveConversation"]},
    "ServiceConfiguration": {"ReachabilityEnabled": "true"},
    "ServiceNotification": {"LogEnabled": "true", "NewMessage.Enabled": "true"},
    "ServiceWebhookConfiguration": {"PostWebhookUrl": URL, "Filters": ["onMessageAdded"]},
    "User": {"FriendlyName": "Walker"},
    "UserConversation": {"NotificationLevel": "muted", "LastReadMessageIndex": "0"},
}


class NotServed(Exception):
    """There is no such operation, or none that makes what it speaks of."""


def of_resource(table, resource):
    return table[resource] if resource in table else table[resource.removeprefix("Service")]


def named(identifier):
    """Verb and resource of an operation's id."""
    verb = next(verb for verb in VERBS if identifier.startswith(verb))
    return verb, identifier.removeprefix(verb)


class Walk:
    def __init__(self, server, service, bindings):
        self.server, self.service, self.bindings = server, service, bindings

    def ask(self, method, path, form=None):
        """The contract has judged what comes back. What is not a success is not served, or is wrong."""
        answer = call(self.server, method, path, form)
        if answer.status in (404, 405):
            raise NotServed(f"{method} {path} -> {answer.text}")
        assert answer.status < 400, f"{method} {path} {form} -> {answer.status} {answer.text}"
        return answer

    def made(self, collection):
        """A new thing in a collection, as its path."""
        *before, kind = collection.split("/")
        if kind == "Bindings":
            if not self.bindings:
                raise NotServed("there is no table of bindings")
            return f"{collection}/{self.bindings.pop()}"
        if kind == "Receipts":
            return f"{collection}/{self.ask('GET', collection)['delivery_receipts'][0]['sid']}"
        if kind == "Conversations" and before[-2] == "Users":
            identity = self.ask("GET", "/".join(before))["identity"]
            return f"{collection}/{self.joined('/'.join(before[:-2]), {'Identity': identity})}"
        identifier, _ = contract.operation_of("POST", collection)
        form = of_resource(CREATES, named(identifier)[1])()
        path = f"{collection}/{self.ask('POST', collection, form)['sid']}"
        if kind == "Conversations":
            # Somebody whom messages are delivered to, so that there are receipts.
            self.ask("POST", f"{path}/Participants", pair())
        return path

    def joined(self, root, form):
        """The sid of a conversation that somebody has joined."""
        conversation = self.made(f"{root}/Conversations")
        self.ask("POST", f"{conversation}/Participants", form)
        return conversation.rsplit("/", 1)[1]

    def path(self, template):
        path = ""
        for segment in template.split("/")[1:]:
            if segment == "{ChatServiceSid}":
                path += f"/{self.service}"
            elif segment.startswith("{"):
                path = self.made(path)
            else:
                path += f"/{segment}"
        return path

    def lists(self, resource, path):
        """The URLs of a list's pages, each with something in it."""
        if resource.endswith("ParticipantConversation"):
            identity, binding, root = unique(), pair(), path.rsplit("/", 1)[0]
            self.joined(root, {"Identity": identity})
            self.joined(root, binding)
            return [f"{path}?Identity={identity}", f"{path}?Address={quote(binding['MessagingBinding.Address'])}"]
        self.made(path)
        return [path, f"{path}?PageSize=1"]

    def step(self, identifier, template):
        """Calls one operation."""
        verb, resource = named(identifier)
        path = self.path(template)
        if verb == "List":
            for url in self.lists(resource, path):
                page = self.ask("GET", url).json
                assert page[page["meta"]["key"]], f"{url} is empty"
        elif verb == "Create":
            answer = self.ask("POST", path, of_resource(CREATES, resource)())
            is_group = resource.endswith("WithParticipants")
            assert answer.status == (202 if is_group else 201)
            if is_group:
                assert self.ask("POST", path, {"FriendlyName": "alone"}).status == 201
        elif verb == "Update":
            assert self.ask("POST", path, of_resource(UPDATES, resource)).status == 200
        elif verb == "Fetch":
            assert self.ask("GET", path).status == 200
        else:
            assert self.ask("DELETE", path).status == 204
            assert call(self.server, "GET", path).status == 404, f"{path} is still there"


COLUMNS = (
    "sid", "account_sid", "chat_service_sid", "user_sid", "credential_sid", "identity", "endpoint", "binding_type",
    "message_types", "date_created", "date_updated",
)


def rows_of_bindings(service, user):
    """The sids and rows of devices that a user has registered."""
    sids = [f"BS{uuid.uuid4().hex}" for _ in range(3)]
    stored = lambda sid: bytes.fromhex(sid[2:])  # noqa: E731
    rows = [
        (
            stored(sid), stored(process.ACCOUNT_SID), stored(service), stored(user["sid"]), uuid.uuid4().bytes,
            user["identity"], f"device-{sid}", "fcm", "new_message\nadded_to_conversation",
            1_700_000_000_000_000 + place, 1_700_000_000_000_000 + place,
        )
        for place, sid in enumerate(sids)
    ]
    return sids, rows


def put(server, database, rows):
    """Puts them into the database of a stopped server; false where it has no such table."""
    statement = f"INSERT INTO bindings ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    if database:
        with psycopg.connect(database) as connection:
            if connection.execute("SELECT to_regclass('bindings')").fetchone() == (None,):
                return False
            connection.cursor().executemany(statement.replace("?", "%s"), rows)
        return True
    connection = sqlite3.connect(server.data / "tertulia.db")
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'bindings'").fetchone():
            return False
        connection.executemany(statement, rows)
        connection.commit()
        return True
    finally:
        connection.close()


def walk(data, database=None):
    """Calls all of them, and tells those that are not served and those that went wrong."""
    engine = "postgres" if database else "sqlite"
    server = process.start(data, database=database, engine=engine)
    service = call(server, "POST", "/v1/Services", {"FriendlyName": "walk"})["sid"]
    user = call(server, "POST", f"/v1/Services/{service}/Users", {"Identity": "walker"}).json
    server.stop()
    bindings, rows = rows_of_bindings(service, user)
    if not put(server, database, rows):
        bindings = []
    server = process.start(data, database=database, engine=engine)
    missing, wrong = [], []
    try:
        party = Walk(server, service, bindings)
        for _, _, template, identifier, _ in contract.operations():
            before = identifier in contract.seen
            contract.seen.discard(identifier)
            try:
                party.step(identifier, template)
                assert identifier in contract.seen, f"{identifier} was not what answered"
            except NotServed:
                missing.append(identifier)
                if before:
                    contract.seen.add(identifier)
            except AssertionError as failure:
                wrong.append(f"{identifier}: {failure}")
    finally:
        server.stop()
    return missing, wrong


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_every_operation_is_served_as_described(engine, tmp_path, capsys, pytestconfig):
    if pytestconfig.getoption("engine") not in (None, engine):
        pytest.skip("another database was asked for")
    if engine == "sqlite":
        missing, wrong = walk(tmp_path / "data")
    else:
        with databases.database() as url:
            missing, wrong = walk(tmp_path / "data", url)
    known = len(contract.operations())
    told = f"{known - len(missing) - len(wrong)} of {known}"
    if missing:
        told += f"; missing: {', '.join(sorted(missing))}"
    with capsys.disabled():
        print(f"\n{engine}: {told}")
    assert not wrong, "\n".join(wrong)
    assert told == "103 of 103", told
