"""How often the disk is waited for: once for each batch of changes, whatever is in it, and for what checkpoints need.

Counted below the server, in the C library (``harness/syncs.c``), so that nothing that the server says of itself has to
be believed but how many batches there were. On SQLite; on PostgreSQL the disk is the database's.
"""

import struct
import subprocess

import pytest
from harness import process
from harness.figures import LISTENS, metrics
from harness.process import ROOT
from harness.raw import call, make, make_many

SEQUENTIAL = 150
TOGETHER = 1500
# Leases and the like, which the server writes by itself every few seconds.
OWN = 25


@pytest.fixture
def watched(tmp_path):
    """A server whose waits are counted, and what reads the counts: the writer's, and the checkpoints' of the log."""
    shim, counts = tmp_path / "syncs.so", tmp_path / "counts"
    source = ROOT / "sdk-tests/python/harness/syncs.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
    counts.write_bytes(bytes(32))
    variables = {"LD_PRELOAD": str(shim), "COUNT_SYNCS": str(counts), **LISTENS}
    server = process.start(tmp_path / "data", variables=variables)

    def now():
        return struct.unpack("=4Q", counts.read_bytes())

    yield server, now
    server.stop()


def commits(server):
    return int(metrics(server)["tertulia_store_commit_seconds_count"])


def spent(server, now, work):
    """Commits, and the waits that ``work`` took: the writer's, and the checkpoints' for the database."""
    before = (commits(server), *now())
    work()
    waits = now()
    committed, written, _, database, other = (
        after - first for after, first in zip((commits(server), *waits), before, strict=True)
    )
    assert other <= 2, "the folder of the database, when its log was made"
    return committed, written, database


def needed(commits, database):
    """The writer forces the log to the disk once for each commit. Where a checkpoint has copied all of the log, which
    forces the database, the log begins anew, and its head is forced too."""
    return commits + database + 1


def test_a_change_alone_is_waited_for_once(watched):
    server, now = watched
    path = f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}/Messages"

    def work():
        for _ in range(SEQUENTIAL):
            make(server, path, {"Body": "hello", "Author": "alice"})

    committed, written, database = spent(server, now, work)
    assert SEQUENTIAL <= committed <= SEQUENTIAL + OWN
    assert SEQUENTIAL <= written <= needed(committed, database), (committed, written, database)


def test_changes_together_are_waited_for_once_a_batch(watched):
    server, now = watched
    paths = [f"/v1/Conversations/{make(server, '/v1/Conversations')['sid']}/Messages" for _ in range(16)]
    requests = [(paths[n % 16], {"Body": "hello"}) for n in range(TOGETHER)]
    committed, written, database = spent(server, now, lambda: make_many(server, requests, threads=64))
    assert committed < TOGETHER, "some shared a batch"
    assert written <= needed(committed, database), (committed, written, database)


def test_who_only_reads_waits_for_nothing(watched):
    server, now = watched
    make(server, "/v1/Conversations")

    def work():
        for _ in range(100):
            assert call(server, "GET", "/v1/Conversations").status == 200

    committed, written, database = spent(server, now, work)
    assert committed <= OWN and written <= needed(committed, database)
