#!/usr/bin/env bash
# Everything that make test does, with the full counts, and what is too slow or too seldom for every change:
# documentation without broken links, doc tests, and the rules for dependencies.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

cargo deny --version >/dev/null 2>&1 ||
  fail "cargo-deny is missing, and the rules for dependencies are part of the soak: cargo install --locked cargo-deny"

export TERTULIA_TEST_SOAK=1
# Where the tests put what they measure; said again at the end.
export TERTULIA_TEST_FIGURES="$LOGS/figures.log"
rm -f "$TERTULIA_TEST_FIGURES"
# What is made up for each property of the parsers; 256 otherwise.
export PROPTEST_CASES="${PROPTEST_CASES:-20000}"
export CRASH_ROUNDS_SQLITE="${CRASH_ROUNDS_SQLITE:-100}"
export CRASH_ROUNDS_POSTGRES="${CRASH_ROUNDS_POSTGRES:-20}"

say "dependencies"
cargo deny --offline check bans licenses sources
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
cargo test --workspace --doc --locked
scripts/test.sh
