#!/usr/bin/env bash
# The official Node client against a running server, once on each database.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ -n "${TERTULIA_TEST_POSTGRES:-}" ] || fail "TERTULIA_TEST_POSTGRES is not set: run by scripts/with-postgres.sh"

TERTULIA_TEST_BINARY="$(scripts/build.sh | tail -n 1)"
export TERTULIA_TEST_BINARY
cd "$NODE_SUITE"
for engine in sqlite postgres; do
  say "twilio-node on $engine"
  TERTULIA_TEST_ENGINE="$engine" node --test --test-reporter=spec --test-concurrency=1 tests/*.test.mjs
done
