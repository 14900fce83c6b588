"""Two servers on one PostgreSQL tell webhooks together: each delivery once, each conversation in order.

And what one of them was sending when it died, the other sends when the lease has lapsed.
"""

import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from harness import databases, process
from harness.raw import call, make
from harness.receiver import Receiver, answer
from harness.waiting import until

CONVERSATIONS = 12
MESSAGES = 20
ENABLED = {"X-Twilio-Webhook-Enabled": "true"}


@contextmanager
def two_nodes(folder, receiver):
    """Two servers whose account is heard by ``receiver``, and the URL of their database."""
    shared = {"TERTULIA_MASTER_KEY": "0f" * 32}
    file = folder / "tertulia.toml"
    file.write_text("[webhooks]\nallow_private = true\nlease_seconds = 6\n")
    with databases.database() as url:
        nodes = [
            process.start(
                folder / name, "--config", str(file), database=url, engine="postgres", variables=shared
            )
            for name in ("a", "b")
        ]
        try:
            hook = {"PostWebhookUrl": receiver.url("/hook"), "Filters": "onMessageAdded"}
            assert call(nodes[0], "POST", "/v1/Configuration/Webhooks", hook).status == 200
            yield nodes, url
        finally:
            for node in nodes:
                node.stop()


def speak(nodes, messages):
    """Messages of some conversations, by all nodes in turn, and the sids of what was said."""
    paths = [f"/v1/Conversations/{make(nodes[0], '/v1/Conversations')['sid']}" for _ in range(CONVERSATIONS)]
    requests = [(nodes[n % len(nodes)], f"{path}/Messages") for n in range(messages) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda one: make(*one, {"Body": "hello"}, headers=ENABLED), requests))
    return {one["sid"] for one in said}


def indexes(told):
    found = defaultdict(list)
    for one in told:
        found[one["ConversationSid"]].append(int(one["Index"]))
    return found.values()


def test_each_delivery_is_sent_once_and_in_order(tmp_path):
    with Receiver() as receiver, two_nodes(tmp_path, receiver) as (nodes, url):
        said = speak(nodes, MESSAGES)
        with psycopg.connect(url, autocommit=True) as database:
            until(lambda: not database.execute("SELECT key FROM lanes").fetchall(), "all lanes to be empty")
        times = Counter(one["MessageSid"] for one in receiver.told)
        assert set(times) == said and set(times.values()) == {1}
        assert all(order == list(range(MESSAGES)) for order in indexes(receiver.told))
        assert all("event=onMessageAdded" in node.output() for node in nodes), "both have their share"


def test_what_a_killed_server_was_sending_the_other_sends(tmp_path):
    gate = threading.Event()

    def wait(link, closing):
        while not gate.wait(0.05):
            if closing.is_set():
                return None
        return answer(200)(link, closing)

    with Receiver() as receiver, two_nodes(tmp_path, receiver) as (nodes, url):
        receiver.usual["/hook"] = wait
        said = speak(nodes[:1], 2)
        until(lambda: receiver.told, "something to be in flight")
        nodes[0].kill()
        gate.set()
        with psycopg.connect(url, autocommit=True) as database:
            until(lambda: not database.execute("SELECT key FROM lanes").fetchall(), "all lanes to be empty")
            found = database.execute("SELECT status FROM deliveries").fetchall()
        assert found == [(1,)] * len(said)
        times = Counter(one["MessageSid"] for one in receiver.told)
        assert set(times) == said and max(times.values()) == 2, "what was in flight came again"
        assert len({one.token for one in receiver.told}) == len(said), "under the same token"
        for order in indexes(receiver.told):
            assert order == sorted(order)


def test_a_lost_database_is_found_again(tmp_path):
    gate = threading.Event()

    def wait(link, closing):
        gate.wait(10)
        return answer(200)(link, closing)

    with Receiver() as receiver, two_nodes(tmp_path, receiver) as (nodes, url):
        receiver.usual["/hook"] = wait
        said = speak(nodes, 2)
        until(lambda: len(receiver.told) >= 2, "something to be in flight")
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            gate.set()
            until(lambda: not database.execute("SELECT key FROM lanes").fetchall(), "all lanes to be empty")
        times = Counter(one["MessageSid"] for one in receiver.told)
        assert set(times) == said and set(times.values()) == {1}, "what was sent is written down after all"
