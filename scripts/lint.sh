#!/usr/bin/env bash
# Form and lints: rustfmt has nothing to change, clippy nothing to say.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
