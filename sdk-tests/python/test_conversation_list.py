"""The list of conversations: its filters, which travel from page to page, and its two orders."""

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from harness.clients import refused
from harness.raw import call

pytestmark = pytest.mark.both


def sids(conversations):
    return [conversation.sid for conversation in conversations]


@pytest.fixture
def dated(service):
    """Five conversations, made on the first five days of 2020, told oldest first."""
    days = [datetime(2020, 1, day, 12) for day in range(1, 6)]
    return [service.conversations.create(date_created=day).sid for day in days]


def test_the_latest_activity_comes_first(service):
    made = [service.conversation() for _ in range(3)]
    for conversation in (made[1], made[2], made[0]):
        conversation.messages.create(body="ping")
    assert sids(service.conversations.list()) == [made[n].fetch().sid for n in (0, 2, 1)]


def test_every_state_is_listed_unless_one_is_asked_for(service):
    states = ("active", "inactive", "closed")
    by_state = {}
    for state in states:
        conversation = service.conversation()
        by_state[state] = conversation.fetch().sid
        if state != "active":
            conversation.update(state=state)
    assert set(sids(service.conversations.list())) == set(by_state.values())
    for state in states:
        assert sids(service.conversations.list(state=state)) == [by_state[state]]
    assert sids(service.conversations.list(state="CLOSED")) == [by_state["closed"]]


def test_dates_are_inclusive_and_the_newest_comes_first(service, dated):
    inside = service.conversations.list(start_date="2020-01-02T12:00:00Z", end_date="2020-01-04T12:00:00Z")
    assert sids(inside) == [dated[3], dated[2], dated[1]]
    assert sids(service.conversations.list(start_date="2020-01-04T00:00:00Z")) == [dated[4], dated[3]]
    assert sids(service.conversations.list(end_date="2020-01-02T23:59:59Z")) == [dated[1], dated[0]]


def test_filters_combine(service, dated):
    service.conversations(dated[2]).update(state="inactive")
    found = service.conversations.list(state="inactive", start_date="2020-01-01T00:00:00Z")
    assert sids(found) == [dated[2]]
    assert service.conversations.list(state="closed", start_date="2020-01-01T00:00:00Z") == []


def test_an_end_must_lie_after_its_start(service):
    with refused(400, 50396):
        service.conversations.list(start_date="2020-01-02T00:00:00Z", end_date="2020-01-01T00:00:00Z")
    with refused(400, 50396):
        service.conversations.list(start_date="2020-01-02T00:00:00Z", end_date="2020-01-02T00:00:00Z")


def test_filters_travel_with_the_pages(server, service, dated):
    path = f"{service.path}/Conversations?State=ACTIVE&StartDate=2020-01-01T00%3A00%3A00Z&PageSize=2"
    answer = call(server, "GET", path)
    found = []
    while True:
        found += [row["sid"] for row in answer["conversations"]]
        following = answer["meta"]["next_page_url"]
        if following is None:
            break
        query = parse_qs(urlsplit(following).query)
        assert query["State"] == ["active"] and query["PageSize"] == ["2"] and "StartDate" in query
        answer = call(server, "GET", following.removeprefix(server.url))
    assert found == list(reversed(dated))


def test_what_is_not_a_filter_is_ignored(server, service, dated):
    answer = call(server, "GET", f"{service.path}/Conversations?UniqueName=other&FriendlyName=x&uniqueName=y")
    assert len(answer["conversations"]) == 5


def test_a_range_of_now(service):
    made = service.conversations.create()
    now = datetime.now(timezone.utc)
    start, end = (now - timedelta(hours=1), now + timedelta(hours=1))
    shape = "%Y-%m-%dT%H:%M:%SZ"
    found = service.conversations.list(start_date=start.strftime(shape), end_date=end.strftime(shape))
    assert sids(found) == [made.sid]
