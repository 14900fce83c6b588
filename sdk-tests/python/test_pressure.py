"""More than the server can take: it turns away what is too much, in the API's own form, keeps its memory, and goes on.

The bounds are set low, so that a small machine is load enough. What was answered with 201 is there afterwards, what was
answered with 503 is not.
"""

import asyncio
import http.client
import re
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from harness import databases, process
from harness.figures import LISTENS, anonymous_bytes, metrics
from harness.raw import FORM, basic, call, make
from harness.waiting import until

CONNECTIONS = 2000
ROUNDS = 4
BOUNDS = """
[server]
max_requests = 300
request_megabytes = 8
[storage]
queue_max = 64
queue_milliseconds = 2000
[log]
level = "warn,tertulia=info"
"""
MEGABYTE = 1024 * 1024


@contextmanager
def bounded(folder, engine):
    """A server with low bounds, and the URL of its database."""
    file = folder / "tertulia.toml"
    file.write_text(BOUNDS)
    with ExitStack() as stack:
        url = stack.enter_context(databases.database()) if engine == "postgres" else None
        server = process.start(
            folder / "data", "--config", str(file), database=url, engine=engine, variables=LISTENS
        )
        stack.callback(server.stop)
        yield server, url


@pytest.fixture(params=["sqlite", "postgres"])
def small(request, tmp_path):
    chosen = request.config.getoption("engine")
    if chosen not in (None, request.param):
        pytest.skip("not on this database")
    with bounded(tmp_path, request.param) as (server, _):
        yield server


async def answered(reader):
    """Status, headers and body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(re.search(r"(?i)content-length: (\d+)", head).group(1))
    return int(head.split(" ", 2)[1]), head, (await reader.readexactly(length)).decode()


async def storm(server, path):
    """All connections at once, each with one request after the other. Who was answered what."""
    opened = await asyncio.gather(*(
        asyncio.open_connection("127.0.0.1", server.port) for _ in range(CONNECTIONS)
    ))
    most = 0

    async def one(number, reader, writer):
        nonlocal most
        told = []
        for turn in range(ROUNDS):
            body = f"Body={number}-{turn}".encode()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(*server.credentials)}\r\n"
                f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            status, head, text = await answered(reader)
            told.append((f"{number}-{turn}", status, head, text))
            if number % 50 == 0:
                most = max(most, anonymous_bytes(server))
        writer.close()
        return told

    told = await asyncio.gather(*(one(number, *ends) for number, ends in enumerate(opened)))
    return [one for some in told for one in some], most


def post(server, path, body):
    """Sends a message, which may be turned away."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": basic(*server.credentials), "Content-Type": FORM}
    link.request("POST", path, f"Body={body}", headers)
    answer = link.getresponse()
    told = answer.status, answer.headers, answer.read().decode()
    link.close()
    return told


def bodies(server, path):
    """The bodies of all messages, in their order."""
    found, url = [], f"{path}?PageSize=100"
    while url:
        page = call(server, "GET", url)
        assert page.status == 200, page.text
        found += [message["body"] for message in page["messages"]]
        url = page["meta"]["next_page_url"]
        url = url and url.removeprefix(server.url)
    return found


def test_a_storm_is_turned_away_and_leaves_what_was_acknowledged(small):
    server = small
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CONNECTIONS + 500)), hard))
    path = f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}/Messages"
    make(server, path, {"Body": "before"})
    before = anonymous_bytes(server)
    told, most = asyncio.run(storm(server, path))
    assert len(told) == CONNECTIONS * ROUNDS
    assert {status for _, status, _, _ in told} == {201, 503}
    for _, status, head, text in told:
        if status == 503:
            assert re.search(r"(?i)\r\nretry-after: [123]\r\n", head), head
            assert '"code":20503' in text and '"status":503' in text, text
    # At once: nothing is left of it.
    make(server, path, {"Body": "after"})
    taken = sorted(body for body, status, _, _ in told if status == 201)
    found = bodies(server, path)
    assert (found[0], found[-1]) == ("before", "after")
    assert sorted(found[1:-1]) == taken
    # Some kilobytes to a connection, and what 300 requests need.
    assert most - before < 64 * MEGABYTE, (before, most)
    figures = metrics(server)
    turned_away = sum(
        count for name, count in figures.items()
        if name.startswith(("tertulia_http_turned_away_total", "tertulia_store_refusals_total"))
        or name == "tertulia_store_expired_total"
    )
    assert turned_away >= CONNECTIONS * ROUNDS - len(taken)
    assert (figures["tertulia_store_queue_depth"], figures["tertulia_http_held_bytes"]) == (0, 0)


def test_a_head_that_somebody_holds(tmp_path, request):
    """Another session of PostgreSQL holds a conversation's head, as an operator may who looks at it in a transaction.

    Whoever writes a message waits behind it and is turned away after a while; whoever reads is answered, and what goes
    to the other writer is done.
    """
    if request.config.getoption("engine") == "sqlite":
        pytest.skip("SQLite has one writer and no locks of rows")
    with bounded(tmp_path, "postgres") as (server, url):
        sids = [make(server, "/v1/Conversations")["sid"] for _ in range(24)]
        paths = [f"/v1/Conversations/{sid}/Messages" for sid in sids]
        told = []

        def send(path, body):
            status, headers, text = post(server, path, body)
            told.append((path, body, status))
            assert status == 201 or headers["Retry-After"] in ("1", "2", "3"), text
            return status

        with psycopg.connect(url) as other:
            held = bytes.fromhex(sids[0][2:])
            hold = "SELECT sid FROM conversation_heads WHERE sid = %s FOR UPDATE"
            assert other.execute(hold, [held]).fetchone()
            first = threading.Thread(target=send, args=(paths[0], "held"))
            first.start()
            waits = (
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            until(lambda: other.execute(waits).fetchone()[0] >= 1, "the writer to wait")
            with ThreadPoolExecutor(24) as pool:
                others = list(pool.map(lambda path: send(path, "beside"), paths[1:]))
            assert set(others) == {503}, "messages have one writer"
            assert call(server, "GET", paths[0]).status == 200
            until(lambda: post(server, "/v1/Conversations", "")[0] == 201, "a turn of the other writer")
            first.join(timeout=30)
            assert told[-1] == (paths[0], "held", 503)
        # Let go of, it is as if nothing had been.
        for path in paths:
            until(lambda path=path: send(path, "after") == 201, "the writer to come back")
        for path in paths:
            taken = [body for where, body, status in told if where == path and status == 201]
            assert bodies(server, path) == taken
        assert metrics(server)["tertulia_store_expired_total"] >= 1
