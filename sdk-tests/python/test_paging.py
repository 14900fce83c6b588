"""Lists longer than any page: the client walks them whole, in order, without a gap or a repetition."""

from urllib.parse import parse_qs, urlsplit

import pytest
from harness.clients import Form
from harness.raw import call, make_many

pytestmark = pytest.mark.both

MANY = 125


@pytest.fixture(scope="module")
def long_lists(server, twilio):
    """One service with more of everything than a page holds: (form, the full conversation, a user in all of them)."""
    form = Form(twilio, twilio.conversations.v1.services.create(friendly_name="long lists").sid, is_long=True)
    make_many(server, [(f"{form.path}/Users", {"Identity": f"user-{n}"}) for n in range(MANY)])
    conversations = make_many(server, [(f"{form.path}/Conversations", {"UniqueName": f"c-{n}"}) for n in range(MANY)])
    full = conversations[0]["sid"]
    make_many(server, [(f"{form.path}/Conversations/{full}/Messages", {"Body": str(n)}) for n in range(MANY)])
    make_many(
        server, [(f"{form.path}/Conversations/{full}/Participants", {"Identity": f"user-{n}"}) for n in range(MANY)]
    )
    make_many(
        server,
        [(f"{form.path}/Conversations/{c['sid']}/Participants", {"Identity": "user-0"}) for c in conversations[1:]],
    )
    return form, form.conversations(full), "user-0"


@pytest.fixture(params=["users", "conversations", "messages", "participants", "user conversations"])
def resource(request, long_lists):
    """One long list, with the largest page that it gives."""
    form, full, everywhere = long_lists
    return {
        "users": (form.users, 50),
        "conversations": (form.conversations, 100),
        "messages": (full.messages, 100),
        "participants": (full.participants, 100),
        "user conversations": (form.users(everywhere).user_conversations, 50),
    }[request.param]


def key(record):
    return getattr(record, "sid", None) or record.conversation_sid


def test_the_whole_list(resource):
    found = [key(record) for record in resource[0].list()]
    assert len(found) == MANY and len(set(found)) == MANY


def test_every_page_size_tells_the_same(resource):
    listing, _ = resource
    whole = [key(record) for record in listing.list()]
    for size in (7, 50, 1000):
        assert [key(record) for record in listing.list(page_size=size)] == whole
    assert [key(record) for record in listing.list(limit=60)] == whole[:60]
    assert [key(record) for record in listing.stream(limit=121, page_size=20)] == whole[:121]


def test_forth_and_back(resource):
    listing, _ = resource
    first = listing.page(page_size=50)
    assert first.previous_page_url is None
    told = [[key(record) for record in first]]
    page = first
    while page.next_page_url:
        page = page.next_page()
        told.append([key(record) for record in page])
    assert [len(part) for part in told] == [50, 50, 25]
    back = page.previous_page()
    assert [key(record) for record in back] == told[1]
    back = back.previous_page()
    assert [key(record) for record in back] == told[0]
    assert back.previous_page_url is None


def test_too_large_a_page_is_cut(resource):
    listing, largest = resource
    page = listing.page(page_size=10**9)
    assert len(list(page)) == min(largest, MANY)
    assert page._payload["meta"]["page_size"] == largest


def test_messages_backwards(long_lists):
    _, full, _ = long_lists
    assert [m.index for m in full.messages.list()] == list(range(MANY))
    assert [m.index for m in full.messages.list(order="desc", page_size=9)] == list(reversed(range(MANY)))


def test_a_page_tells_where_it_stands(server, long_lists):
    form, full, _ = long_lists
    path = f"{form.path}/Conversations/{full.fetch().sid}/Messages"
    meta = call(server, "GET", f"{path}?Order=DESC&PageSize=2")["meta"]
    assert meta["url"] == meta["first_page_url"] == f"{server.url}{path}?Order=desc&PageSize=2&Page=0"
    assert (meta["page"], meta["page_size"], meta["key"]) == (0, 2, "messages")
    assert meta["previous_page_url"] is None
    assert meta["next_page_url"].startswith(f"{server.url}{path}?Order=desc&PageSize=2&Page=1&PageToken=PT")

    second = call(server, "GET", meta["next_page_url"].removeprefix(server.url))["meta"]
    assert (second["page"], second["url"]) == (1, meta["next_page_url"])
    assert second["first_page_url"] == meta["first_page_url"]


def test_a_remembered_token_needs_no_page_number(server, long_lists):
    form, full, _ = long_lists
    path = f"{form.path}/Conversations/{full.fetch().sid}/Messages"
    meta = call(server, "GET", f"{path}?PageSize=10")["meta"]
    token = parse_qs(urlsplit(meta["next_page_url"]).query)["PageToken"][0]
    rows = call(server, "GET", f"{path}?PageSize=10&PageToken={token}")["messages"]
    assert [row["index"] for row in rows] == list(range(10, 20))
    first = call(server, "GET", f"{path}?PageSize=10&Page=3")["messages"]
    assert first[0]["index"] == 0, "a page number alone does not seek"


def test_defaults(server, long_lists):
    form, full, everywhere = long_lists
    for path in ("Users", "Conversations", f"Conversations/{full.fetch().sid}/Messages", "Roles"):
        assert call(server, "GET", f"{form.path}/{path}")["meta"]["page_size"] == 50


def test_the_short_lists_page_too(service, twilio):
    roles = [role.sid for role in service.roles.list()]
    assert [role.sid for role in service.roles.list(page_size=1)] == roles and len(roles) == 4
    services = [one.sid for one in twilio.conversations.v1.services.list(page_size=1, limit=5)]
    assert len(set(services)) == len(services) >= 2


def test_what_is_added_or_removed_on_the_way_breaks_nothing(service):
    conversation = service.conversation()
    sids = [conversation.messages.create(body=str(n)).sid for n in range(6)]
    page = conversation.messages.page(page_size=2)
    list(page)
    conversation.messages(sids[1]).delete()
    conversation.messages(sids[2]).delete()
    conversation.messages.create(body="6")
    rest = []
    while page.next_page_url:
        page = page.next_page()
        rest += [record.body for record in page]
    assert rest == ["3", "4", "5", "6"]


def test_the_short_form_pages_too(server, twilio):
    made = make_many(server, [("/v1/Users", {"Identity": f"short-form-{server.engine}-{n}"}) for n in range(MANY)])
    found = [user.sid for user in twilio.conversations.v1.users.list()]
    assert len(found) == len(set(found))
    assert set(found) >= {user["sid"] for user in made}
