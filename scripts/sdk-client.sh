#!/usr/bin/env bash
# The official client SDK, in Node and in a browser, against a running server, once on each database. Arguments are the
# test files to run; all where there are none.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ -n "${TERTULIA_TEST_POSTGRES:-}" ] || fail "TERTULIA_TEST_POSTGRES is not set: run by scripts/with-postgres.sh"

TERTULIA_TEST_BINARY="$(scripts/build.sh | tail -n 1)"
export TERTULIA_TEST_BINARY
cd "$CLIENT_SUITE"
files=("$@")
[ "${#files[@]}" -gt 0 ] || files=(tests/*.test.mjs)
for engine in sqlite postgres; do
  say "@twilio/conversations on $engine"
  TERTULIA_TEST_ENGINE="$engine" node --test --test-reporter=spec --test-concurrency=1 "${files[@]}"
done
