"""Databases for servers that run on PostgreSQL: made for one test run, dropped after it."""

import os
import uuid
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg


def superuser():
    """The URL under which databases are made. A run without one fails rather than testing half of its promise."""
    url = os.environ.get("TERTULIA_TEST_POSTGRES")
    assert url, "TERTULIA_TEST_POSTGRES is not set: run this by scripts/with-postgres.sh, or pass --engine sqlite"
    return url


@contextmanager
def database():
    """A new and empty database, as a URL."""
    name = f"sdk_{uuid.uuid4().hex}"
    with psycopg.connect(superuser(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(superuser())._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(superuser(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
