#!/usr/bin/env bash
# Builds the binary that the official clients talk to, in the same profile as the tests, and prints its path last.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

cargo build --locked --bin tertulia >&2
# The README's command names no program: there must be one alone that it can mean.
cargo run --locked --quiet -- --version >&2
binary="$(target_directory)/debug/tertulia"
[ -x "$binary" ] || fail "cargo built no $binary"
printf '%s\n' "$binary"
