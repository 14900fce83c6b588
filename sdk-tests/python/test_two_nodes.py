"""Two servers on one PostgreSQL: whoever of them is asked, the answer is one server's.

Under a mixed load on both at once no caller is refused for the database's sake, indexes have no gap, and what one
node has acknowledged the other shows.
"""

import random
from concurrent.futures import ThreadPoolExecutor

from harness import databases, process
from harness.raw import call, make

CONVERSATIONS = 5
MESSAGES = 60
PEOPLE = 8


def load(nodes, conversations):
    """Every request of the mix, in an order that is the same in every run."""
    requests = []
    for number in range(MESSAGES):
        for place, path in enumerate(conversations):
            requests.append((f"{path}/Messages", {"Body": str(number), "Author": f"person-{number % PEOPLE}"}))
            if number < PEOPLE:
                identity = f"person-{(number + 3 * place) % PEOPLE}"
                requests.append((f"{path}/Participants", {"Identity": identity}))
            if number % 10 == 0:
                requests.append((path, {"FriendlyName": f"round {number}"}))
    random.Random(7).shuffle(requests)
    return [(nodes[turn % len(nodes)], *request) for turn, request in enumerate(requests)]


def indexes(node, path):
    found, page = [], f"{path}/Messages?PageSize=50"
    while page:
        answer = call(node, "GET", page).json
        found += [message["index"] for message in answer["messages"]]
        following = answer["meta"]["next_page_url"]
        page = following and following.removeprefix(node.url)
    return found


def test_two_processes_share_a_database_without_a_gap_or_a_refusal(tmp_path):
    shared = {"TERTULIA_MASTER_KEY": "0f" * 32}
    with databases.database() as url:
        nodes = [
            process.start(tmp_path / name, database=url, engine="postgres", variables=shared) for name in ("a", "b")
        ]
        try:
            paths = [f"/v1/Conversations/{make(nodes[0], '/v1/Conversations')['sid']}" for _ in range(CONVERSATIONS)]
            with ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda one: call(one[0], "POST", one[1], one[2]), load(nodes, paths)))
            refused = [answer.text for answer in answers if answer.status not in (200, 201)]
            assert not refused, refused[:3]
            for path in paths:
                for node in nodes:
                    assert indexes(node, path) == list(range(MESSAGES))
                people = call(nodes[1], "GET", f"{path}/Participants").json["participants"]
                assert sorted(one["identity"] for one in people) == [f"person-{n}" for n in range(PEOPLE)]
            users = call(nodes[0], "GET", "/v1/Users").json["users"]
            assert len(users) == PEOPLE
        finally:
            for node in nodes:
                node.stop()
