#!/usr/bin/env bash
# Unit, conformance and snapshot tests, on SQLite and on the PostgreSQL of TERTULIA_TEST_POSTGRES.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ -n "${TERTULIA_TEST_POSTGRES:-}" ] || fail "TERTULIA_TEST_POSTGRES is not set: run by scripts/with-postgres.sh"

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --locked --no-fail-fast
else
  cargo test --workspace --locked --no-fail-fast --lib --bins --tests
fi
