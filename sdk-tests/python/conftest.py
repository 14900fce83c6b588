"""Fixtures of all suites: one server for each database, clients for it, and both forms of the API.

A test marked ``both`` runs on SQLite and on PostgreSQL, any other on SQLite. Servers live as long as the run, so a
test takes names of its own from ``name`` and, where it counts things, a service of its own from ``service``.
"""

import os
import random
import uuid

import pytest
from harness import databases, process
from harness.clients import CheckedAsyncHttpClient, Form, client

ENGINES = ("sqlite", "postgres")


def pytest_addoption(parser):
    parser.addoption("--engine", choices=ENGINES, help="run on this database only")


def pytest_collection_modifyitems(config, items):
    if not os.environ.get("TERTULIA_TEST_SOAK"):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="runs in the soak"))


def pytest_generate_tests(metafunc):
    if "server" in metafunc.fixturenames:
        engines = ENGINES if metafunc.definition.get_closest_marker("both") else ENGINES[:1]
        chosen = metafunc.config.getoption("engine")
        metafunc.parametrize(
            "server", [e for e in engines if chosen in (None, e)], indirect=True, scope="session"
        )


@pytest.fixture(scope="session")
def server(request, tmp_path_factory):
    """A running server on the database of this round."""
    data = tmp_path_factory.mktemp("data") / request.param
    if request.param == "sqlite":
        running = process.start(data)
        yield running
        running.stop()
    else:
        with databases.database() as url:
            running = process.start(data, database=url, engine="postgres")
            yield running
            running.stop()


@pytest.fixture(scope="session")
def twilio(server):
    """The official client with the account's own credentials."""
    return client(server)


@pytest.fixture
async def twilio_async(server):
    """The official client on asyncio."""
    async with CheckedAsyncHttpClient(timeout=30) as transport:
        yield client(server, transport=transport)


@pytest.fixture(scope="session")
def default_service_sid(twilio):
    """The service that the short paths speak of, as a conversation made there tells it."""
    return twilio.conversations.v1.conversations.create().chat_service_sid


@pytest.fixture
def service(twilio):
    """A new service, alone with its test."""
    return Form(twilio, twilio.conversations.v1.services.create(friendly_name="a test's own").sid, is_long=True)


@pytest.fixture(params=["short", "long"])
def form(request, twilio, default_service_sid):
    """Both forms of the API, over the default service and over one that the test has to itself."""
    if request.param == "short":
        return Form(twilio, default_service_sid, is_long=False)
    return Form(twilio, twilio.conversations.v1.services.create(friendly_name="a test's own").sid, is_long=True)


@pytest.fixture
def name():
    """Makes names that nobody else has: ``name("alice")``."""
    return lambda word="name": f"{word}-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def phone():
    """Makes telephone numbers that nobody else has."""
    return lambda: f"+1{random.randrange(10**12, 10**13)}"
