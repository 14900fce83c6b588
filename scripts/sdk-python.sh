#!/usr/bin/env bash
# The official Python client, raw HTTP and the command line against a running server, on both databases.
# Arguments go to pytest.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ -n "${TERTULIA_TEST_POSTGRES:-}" ] || fail "TERTULIA_TEST_POSTGRES is not set: run by scripts/with-postgres.sh"

TERTULIA_TEST_BINARY="$(scripts/build.sh | tail -n 1)"
export TERTULIA_TEST_BINARY
cd sdk-tests
exec "$VENV/bin/python" -m pytest "${@:-python}"
