"""A create that carries an Idempotency-Key is done once, also when the server is killed between two tries."""

from harness import process
from harness.raw import call, make


def once(server, path, key, form):
    return call(server, "POST", path, form, headers={"Idempotency-Key": key})


def test_the_answer_outlives_the_server(tmp_path):
    data = tmp_path / "data"
    first = process.start(data)
    path = f"/v1/Conversations/{make(first, '/v1/Conversations')['sid']}/Messages"
    answered = once(first, path, "order-17", {"Body": "hello"})
    assert answered.status == 201 and "Tertulia-Idempotent-Replayed" not in answered.headers
    first.kill()
    second = process.start(data)
    try:
        again = once(second, path, "order-17", {"Body": "hello"})
        assert again.headers["Tertulia-Idempotent-Replayed"] == "true"
        assert again["sid"] == answered["sid"] and again["url"].startswith(second.url)
        assert len(call(second, "GET", path).json["messages"]) == 1
    finally:
        second.stop()
