"""Every error that a request can provoke today, once: its status, its code and its text.

The catalogue in the source is the list. Each of its entries stands in exactly one place here: with a request that
provokes it, or with the reason why none does. So a new entry must be placed before this passes.
"""

import json
import random
import re
import time
import urllib.parse
import urllib.request

import pytest
from harness.limited import limited, one_running
from harness.process import ROOT
from harness.raw import basic, call, make
from harness.signed import Receiver
from harness.tokens import access_token, show

pytestmark = pytest.mark.both

ENTRY = re.compile(r' const ([A-Z_]+): Self = Self::new\((\d+), (\d+), "((?:[^"\\]|\\.)*)"\);')
NOBODY = "0" * 32


def catalogue():
    """Code: (status, text), as the server's own source has them."""
    source = (ROOT / "crates/wire/src/catalogue.rs").read_text()
    return {int(code): (int(status), text) for _, code, status, text in ENTRY.findall(source)}


class Ground:
    """A service of its own to be refused in; what is refused there is answered, not raised."""

    def __init__(self, server):
        self.server = server
        self.service = make(server, "/v1/Services", {"FriendlyName": "errors"})["sid"]
        self.path = f"/v1/Services/{self.service}"

    def ask(self, method, path, form=None, **keywords):
        """A path that begins with a slash is the server's; any other is the service's."""
        path = path if path.startswith("/") else f"{self.path}/{path}"
        return call(self.server, method, path, form, **keywords)

    def get(self, path, **keywords):
        return self.ask("GET", path, **keywords)

    def post(self, path, form=(), **keywords):
        return self.ask("POST", path, form, **keywords)

    def made(self, path, **form):
        answer = self.post(path, form)
        assert answer.status in (201, 202), answer.text
        return answer["sid"]

    def conversation(self, **form):
        return f"Conversations/{self.made('Conversations', **form)}"

    def join(self, form, conversation=None):
        """Asks to join a conversation, a new one where none is named."""
        return self.post(f"{conversation or self.conversation()}/Participants", form)

    def joined(self, form, conversation=None):
        """Somebody who has joined, as a path."""
        conversation = conversation or self.conversation()
        answer = self.join(form, conversation)
        assert answer.status == 201, answer.text
        return f"{conversation}/Participants/{answer['sid']}"

    def role(self, kind):
        permission = {"service": "joinConversation", "conversation": "sendMessage"}[kind]
        return self.made("Roles", FriendlyName="r", Type=kind, Permission=permission)

    def as_admin(self, path, form):
        """With the token that the running server has left for its own commands."""
        token = json.loads((self.server.data / "server.json").read_text())["admin_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return call(self.server, "POST", path, form, credentials=False, headers=headers)


def phone():
    return f"+1{random.randrange(10**12, 10**13)}"


def address(phone):
    return {"MessagingBinding.Address": phone}


def pair(address=None, proxy=None):
    return {
        "MessagingBinding.Address": phone() if address is None else address,
        "MessagingBinding.ProxyAddress": phone() if proxy is None else proxy,
    }


def projected(number=None, **more):
    return {"MessagingBinding.ProjectedAddress": phone() if number is None else number, **more}


def suspended(ground):
    accounts = "/tertulia/v1/Accounts"
    made = ground.as_admin(accounts, {"OwnerAccountSid": ground.server.account_sid})
    sid, token = made["sid"], made["auth_token"]
    assert ground.as_admin(f"{accounts}/{sid}", {"Status": "suspended"}).status == 200
    return ground.get("/v1/Conversations", credentials=(sid, token))


def listed(path, form, **lists):
    """A request by an account that has lists of its own senders or messaging services."""

    def ask(ground):
        made = ground.as_admin("/tertulia/v1/Accounts", lists)
        credentials = made["sid"], made["auth_token"]
        at = path
        if path == "Participants":
            at = f"Conversations/{ground.post('/v1/Conversations', credentials=credentials)['sid']}/{path}"
        return ground.post(f"/v1/{at}", form(), credentials=credentials)

    return ask


def key_that_makes_keys(ground):
    key = make(ground.server, "/tertulia/v1/Keys")
    return ground.post("/tertulia/v1/Keys", credentials=(key["sid"], key["secret"]))


def default_service(ground):
    short = make(ground.server, "/v1/Conversations")["chat_service_sid"]
    return ground.ask("DELETE", f"/v1/Services/{short}"), "The default service of the account cannot be deleted"


def missing(ground):
    path = f"/Services/{ground.service}/Conversations/CH{NOBODY}"
    return ground.get(f"/v1{path}"), f"The requested resource {path} was not found"


def twice(path, **form):
    def ask(ground):
        ground.made(path, **form)
        return ground.post(path, form)

    return ask


def closed(ground):
    conversation = ground.conversation()
    ground.post(conversation, {"State": "closed"})
    return ground.post(conversation, {"FriendlyName": "after all"})


def member_twice(ground):
    conversation = ground.conversation()
    ground.joined({"Identity": "alice"}, conversation)
    return ground.join({"Identity": "alice"}, conversation)


def pair_taken(ground):
    conversation, taken = ground.conversation(), pair()
    ground.joined(taken, conversation)
    sid = conversation.rsplit("/", 1)[1]
    return ground.join(taken), (
        f"A binding for this participant and proxy address already exists in Conversation {sid}"
    )


def fifty_first_phone(ground):
    conversation = ground.conversation()
    for _ in range(50):
        ground.joined(pair(), conversation)
    return ground.join(pair(), conversation)


def group(ground, members):
    """A group MMS of so many phones."""
    conversation = ground.conversation()
    phones = [phone() for _ in range(members)]
    for one in phones:
        ground.joined(address(one), conversation)
    return conversation, phones


def eleventh_of_group(ground):
    conversation, _ = group(ground, 10)
    return ground.join(address(phone()), conversation)


def group_member_twice(ground):
    conversation, phones = group(ground, 1)
    return ground.join(address(phones[0]), conversation)


def group_twice(ground):
    conversation, phones = group(ground, 2)
    other = ground.conversation()
    ground.joined(address(phones[0]), other)
    sid = conversation.rsplit("/", 1)[1]
    message = f"Group MMS with given participant list already exists as Conversation {sid}"
    return ground.join(address(phones[1]), other), message


def gathered(*participants):
    """A conversation with these participants: objects, or texts that are none."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in participants]
    return lambda ground: ground.post("ConversationWithParticipants", {"Participant": texts})


def gathered_twice(ground):
    binding = {"address": phone(), "proxy_address": phone()}
    for _ in range(2):
        answer = gathered({"messaging_binding": binding})(ground)
    return answer


def hooked(**changes):
    """A webhook of a conversation, of a form that would do but for ``changes``; None leaves a parameter out."""
    form = {"Target": "webhook", "Configuration.Url": HOOK, "Configuration.Filters": ["onMessageAdded"]}
    form |= {name if name == "Target" else f"Configuration.{name}": value for name, value in changes.items()}
    form = {name: value for name, value in form.items() if value is not None}
    return lambda ground: ground.post(f"{ground.conversation()}/Webhooks", form)


def sixth_hook(ground):
    path = f"{ground.conversation()}/Webhooks"
    form = {"Target": "webhook", "Configuration.Url": HOOK, "Configuration.Filters": "onMessageAdded"}
    for _ in range(5):
        ground.made(path, **form)
    return ground.post(path, form)


def updated(form, update):
    """Somebody who joined as ``form`` says, and then is to change."""
    return lambda ground: ground.post(ground.joined(form()), update())


def membership(ground, form):
    conversation = ground.conversation()
    ground.joined({"Identity": "alice"}, conversation)
    return ground.post(f"Users/alice/{conversation}", form)


def posted(**form):
    return lambda ground: ground.post(f"{ground.conversation()}/Messages", form)


def content(*types, variables="{}"):
    """A message of a template of these types, with these variables."""
    template = {"Types": json.dumps({kind: {"body": "Hi {{1}}"} for kind in types or ["twilio/text"]})}

    def ask(ground):
        sid = make(ground.server, "/tertulia/v1/ContentTemplates", template)["sid"]
        return posted(ContentSid=sid, ContentVariables=variables)(ground)

    return ask


def unknown(ground, path, body, kind):
    """What a POST makes that is not one of the operations that the contract knows."""
    request = urllib.request.Request(f"{ground.server.url}{path}", body, {
        "Authorization": basic(*ground.server.credentials), "Content-Type": kind,
    })
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["sid"]


def file(ground):
    return unknown(ground, f"{ground.path}/Media", b"x", "text/plain")


def sink_in_use(ground):
    def make_form(path, **form):
        form = urllib.parse.urlencode({"Description": "x", **form}).encode()
        return unknown(ground, path, form, "application/x-www-form-urlencoded")

    settings = json.dumps({"destination": "https://example.com/", "method": "POST", "batch_events": True})
    sink = make_form("/v1/Sinks", SinkType="webhook", SinkConfiguration=settings)
    types = json.dumps({"type": "com.twilio.conversations.message.added"})
    make_form("/v1/Subscriptions", SinkSid=sink, Types=types)
    return ground.ask("DELETE", f"/v1/Sinks/{sink}")


def file_twice(ground):
    messages, form = f"{ground.conversation()}/Messages", {"MediaSid": file(ground)}
    ground.made(messages, **form)
    return ground.post(messages, form)


def body_of_a_file(ground):
    messages = f"{ground.conversation()}/Messages"
    return ground.post(f"{messages}/{ground.made(messages, MediaSid=file(ground))}", {"Body": "x"})


def created(path, **form):
    return lambda ground: ground.post(path, form)


def joins(form):
    return lambda ground: ground.join(form())


def wrong_role(path, kind, **form):
    return lambda ground: ground.post(
        path or f"{ground.conversation()}/Participants", {"RoleSid": ground.role(kind), **form}
    )


ALICE = {"Identity": "alice"}
LONG = "x" * 257
HOOK = "https://example.org/hook"
STUDIO = {
    "Type": "sms", "AutoCreation.Type": "studio", "AutoCreation.Enabled": "true",
    "AutoCreation.StudioFlowSid": "FW" + NOBODY,
}


def limit(ask, **limits):
    """Asks a server with these limits, whose clock stands still."""

    def provoke(_):
        with limited("--clock", "manual", **limits) as server:
            return ask(Ground(server))

    return provoke


def at_once(ground):
    with one_running(ground.server):
        return ground.get("Conversations")


def refused_by_a_hook(_):
    hook = Receiver(status=403)
    settings = {"TERTULIA_REST_PRE_HOOKS": "true", "TERTULIA_WEBHOOK_ALLOW_PRIVATE": "true"}
    with limited(variables=settings) as server:
        asked = {"PreWebhookUrl": f"http://127.0.0.1:{hook.port}/", "Filters": "onConversationAdd"}
        assert call(server, "POST", "/v1/Configuration/Webhooks", asked).status == 200
        answer = call(server, "POST", "/v1/Conversations", {}, headers={"X-Twilio-Webhook-Enabled": "true"})
    hook.close()
    return answer


def one_after_the_other(ground):
    ground.post("Conversations")
    return ground.post("Conversations")


def shown(token):
    """A request to the media service with such an access token."""
    return lambda ground: show(ground.server, token(ground), "GET", f"{ground.path}/Media/ME{NOBODY}")


# What provokes each. A request may be answered with (answer, text) where the text names something.
PROVOKED = {
    20001: lambda g: (g.get("Conversations?PageSize=0"), "Invalid value for parameter PageSize"),
    20002: created("/v1/Credentials", Type="fcm", Secret="s", FriendlyName="x" * 65),
    20003: lambda g: g.get("Conversations", credentials=False),
    20004: lambda g: g.ask("PUT", "Conversations"),
    20006: key_that_makes_keys,
    20101: shown(lambda g: "junk"),
    20102: shown(lambda g: "e30." + access_token(g.service).split(".", 1)[1]),
    20103: shown(lambda g: access_token(g.service, key="SK" + NOBODY)),
    20104: shown(lambda g: access_token(g.service, ttl=-1)),
    20105: shown(lambda g: access_token(g.service, nbf=int(time.time()) + 600)),
    20106: shown(lambda g: access_token("IS" + NOBODY)),
    20107: shown(lambda g: access_token(g.service, secret="x" * 32)),
    20157: shown(lambda g: access_token(g.service, ttl=100_000)),
    20403: suspended,
    20404: missing,
    20409: default_service,
    20413: lambda g: g.post("Conversations", {"FriendlyName": "x" * (1 << 20)}),
    20429: limit(at_once, concurrency=1),
    21481: lambda g: g.get("Conversations?PageToken=junk"),
    50000: created("/v1/Services"),
    50003: created("Conversations", FriendlyName=LONG),
    50004: created("Conversations", UniqueName=LONG),
    50050: created("/v1/Configuration", DefaultChatServiceSid="IS" + NOBODY),
    50054: created("Configuration/Webhooks", Filters="onNothing"),
    50055: created("Configuration/Webhooks", Method="PATCH"),
    50056: refused_by_a_hook,
    50058: created("Configuration/Notifications", **{"NewMessage.Template": "x" * 10_000}),
    50059: created("Configuration/Notifications", **{"NewMessage.Sound": "x" * 10_000}),
    50063: limit(one_after_the_other, actions_per_second=1),
    50065: lambda g: g.post(
        "/v1/Configuration/Addresses", {**STUDIO, "Address": phone(), "AutoCreation.StudioRetryCount": 4}
    ),
    50074: limit(one_after_the_other, global_actions_per_second=2),
    50077: created("Configuration/Webhooks", PreWebhookUrl="nowhere"),
    50078: created("Configuration/Webhooks", PostWebhookUrl="nowhere"),
    50100: created("Users", Identity="alice", RoleSid="RL" + NOBODY),
    50102: wrong_role("Users", "conversation", **ALICE),
    50104: created("Roles", FriendlyName="r", Type="service", Permission="fly"),
    50105: created("Roles", FriendlyName="r", Type="king", Permission="sendMessage"),
    50109: wrong_role(None, "service", **ALICE),
    50201: twice("Users", **ALICE),
    50203: created("Users", Identity="system"),
    50204: created("Users"),
    50206: created("Users", Identity="US" + NOBODY),
    50207: created("Users", Identity=LONG),
    50209: lambda g: g.get("Bindings?BindingType=pigeon"),
    50210: lambda g: membership(g, {"NotificationLevel": "loud"}),
    50211: joins(lambda: {**ALICE, **pair()}),
    50303: created("Conversations", Attributes=json.dumps("x" * (16 * 1024))),
    50304: created("Conversations", Attributes="{"),
    50308: created("Conversations", DateCreated="yesterday"),
    50309: created("Conversations", DateUpdated="tomorrow"),
    50310: posted(Author=LONG, Body="x"),
    50341: created("Conversations", MessagingServiceSid="junk"),
    50342: listed(
        "Conversations", lambda: {"MessagingServiceSid": "MG" + NOBODY}, MessagingServiceSids="MG" + "1" * 32
    ),
    50353: twice("Conversations", UniqueName="desk"),
    50361: sixth_hook,
    50362: hooked(Target="trigger", Triggers=["a", "b", "c", "d", "e", "f"]),
    50364: hooked(Target="pigeon"),
    50365: hooked(Filters="onNothing"),
    50366: hooked(Target="trigger", Triggers="x" * 249),
    50367: hooked(Target="studio", FlowSid="junk"),
    50368: hooked(Target=None),
    50369: hooked(Url=None),
    50370: hooked(Filters=None),
    50371: hooked(Target="trigger"),
    50372: hooked(Url=HOOK + "x" * 512),
    50374: created("Conversations", State=""),
    50375: created("Conversations", **{"Timers.Inactive": "PT59S"}),
    50376: created("Conversations", **{"Timers.Closed": "PT9M"}),
    50377: closed,
    50378: created("Conversations", State="open"),
    50379: created("Conversations", **{"Timers.Inactive": "soon"}),
    50380: created("Conversations", **{"Timers.Closed": "late"}),
    50384: created("Conversations", State="closed"),
    50390: created("Conversations", UniqueName="CH" + NOBODY),
    50396: lambda g: g.get("Conversations?StartDate=2026-02-01&EndDate=2026-01-01"),
    50405: updated(lambda: ALICE, lambda: {"LastReadTimestamp": "now"}),
    50407: joins(lambda: pair(address="5551234")),
    50408: joins(lambda: pair(proxy="nobody")),
    50409: joins(lambda: pair("+15550001111", "+15550001111")),
    50411: joins(lambda: pair(address="")),
    50412: joins(lambda: pair(proxy="")),
    50413: listed("Participants", lambda: pair(), Senders="+15550001111"),
    50414: joins(lambda: pair(proxy="whatsapp:+15550001111")),
    50415: listed(
        "Participants", lambda: pair(f"whatsapp:{phone()}", "whatsapp:+15550001111"), Senders="+15550001111"
    ),
    50416: pair_taken,
    50420: joins(lambda: {**address(phone()), **projected()}),
    50421: updated(lambda: ALICE, lambda: {"LastReadMessageIndex": "last"}),
    50422: fifty_first_phone,
    50424: gathered("{"),
    50425: gathered_twice,
    50426: gathered(*({"identity": f"member-{number}"} for number in range(11))),
    50433: member_twice,
    50434: lambda g: g.join(ALICE, group(g, 1)[0]),
    50435: gathered({"messaging_binding": {"address": "+15550001111"}}),
    50436: eleventh_of_group,
    50437: group_member_twice,
    50438: group_twice,
    50439: listed("Participants", lambda: projected(), Senders="+15550001111"),
    50440: updated(lambda: address(phone()), lambda: {"MessagingBinding.ProxyAddress": "null"}),
    50441: updated(pair, lambda: {"MessagingBinding.ProxyAddress": phone()}),
    50442: updated(lambda: ALICE, lambda: {"MessagingBinding.ProjectedAddress": "null"}),
    50443: updated(pair, projected),
    50444: updated(lambda: ALICE, lambda: {"Identity": "bob"}),
    50451: lambda g: g.get("ParticipantConversations?Identity=alice&Address=%2B15550001111"),
    50453: joins(lambda: pair(address="alice@example.org")),
    50503: posted(),
    50506: lambda g: g.ask(
        "POST", "MediaSet", body='{"command":"get","list":[{}]}', headers={"Content-Type": "application/json"}
    ),
    50504: posted(Body="x" * (32 * 1024 + 1)),
    50507: posted(MediaSid="ME" + NOBODY),
    50508: file_twice,
    50509: body_of_a_file,
    50510: posted(MediaSid="junk"),
    50511: lambda g: g.ask("POST", "Media", body="x", headers={"Content-Type": "picture"}),
    50512: lambda g: g.ask("POST", "Media", headers={"Content-Length": str(150 * 1024 * 1024 + 1)}),
    50513: lambda g: g.post(f"{group(g, 2)[0]}/Messages", {"Author": "stranger", "Body": "x"}),
    50526: posted(ContentSid="junk"),
    50527: content(variables="junk"),
    50528: posted(ContentVariables="{}"),
    50529: content(variables=json.dumps({"1": "x" * 27_801})),
    50540: content(variables=json.dumps({"x" * 17: ""})),
    50541: content(variables=json.dumps({"1": "x" * 257})),
    50542: content("of/nobody"),
    91007: sink_in_use,
}

# Entries whose own status is that of a path, while a parameter that names nothing is 400.
STATUS = {50050: 400, 50100: 400}

# No request provokes these.
OUT_OF_REACH = {
    "group MMS is there for every account": {50452},
    "a hook that cannot be asked lets the change through": {50057},
    "takes a thousand requests: test_limits.py, in the soak": {50214, 50417},
    "of the client SDKs, through their own door": {
        50107, 50205, 50400, 50430, 50502, 50516, 50530, 54007, 54100, 54150, 54200,
    },
    "the server's own failures": {20500, 20503},
    "20403 or 20404 is given instead": {20005, 20410},
    "a path without the sid is another path, and one that names nothing is 20404": {
        50001, 50006, 50051, 50103, 50200, 50202, 50300, 50301, 50350, 50351, 50360, 50363, 50401, 50402, 50431,
        50432, 50500, 50501,
    },
    "more than the largest page is the largest page, and other tokens are 21481": {20007, 19036, 19038},
    "an update without parameters is granted": {20161, 50347},
    "changes of one thing come one after the other": {20162, 50349, 50419, 50449, 50514},
    "only a deletion at the very same moment gives them": {50213, 50391},
    "deletion takes everything out of sight at once": {50002, 50334},
    "HTTP/1.1 is what is spoken": {20426},
    "numbers of Programmable Chat, whose successors are given": {
        50101, 50106, 50208, 50302, 50306, 50307, 50403, 50404, 50406, 50418,
    },
    "an empty MessagingServiceSid is passed over": {50340},
    "a timer needs no state": {50382},
    "there are no regions": {50385},
    "a conversation is never seen initializing": {50386},
    "every account has a messaging service": {50373},
}



@pytest.mark.parametrize("code", PROVOKED)
def test_an_error(server, code):
    status, text = catalogue()[code]
    answer = PROVOKED[code](Ground(server))
    answer, text = answer if isinstance(answer, tuple) else (answer, text)
    got = answer.json
    assert (answer.status, got["code"], got["message"]) == (STATUS.get(code, status), code, text)


def test_every_entry_of_the_catalogue_has_its_place():
    places = [*PROVOKED, *(code for codes in OUT_OF_REACH.values() for code in codes)]
    assert len(places) == len(set(places)), "an entry has two places"
    known = catalogue()
    assert len(known) > 150
    assert {code: known[code] for code in known.keys() - set(places)} == {}, "place these"
    assert set(places) <= known.keys()
