#!/usr/bin/env bash
# Lists of 100,000 and the deletion of a conversation of 200,000 messages, on both databases, in a release build:
# a debug build would measure itself. One test at a time, so that none disturbs another's figures.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ -n "${TERTULIA_TEST_POSTGRES:-}" ] || fail "TERTULIA_TEST_POSTGRES is not set: run by scripts/with-postgres.sh"

export TERTULIA_TEST_SOAK=1
cargo test --release --locked -p tertulia-testkit --test it -- lists:: --include-ignored --test-threads=1 --nocapture
