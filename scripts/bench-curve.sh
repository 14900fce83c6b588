#!/usr/bin/env bash
# bench-curve.sh: builds the server and the harness for release and measures what creates, lists, starts and memory
# cost as messages gather, up to 10,000,000 on SQLite and 1,000,000 on PostgreSQL. POSTGRES says on which PostgreSQL
# besides SQLite (a superuser's URL), ROUNDS how often each side is measured (3), LARGEST how many messages there are
# at most, and WRITE=1 puts figures and drawing into docs/. It says first how much disk it needs, beside the build.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

command -v wrk >/dev/null ||
  fail "wrk is missing, which makes the load: apt-get install wrk, or make bench once, which installs it"

cargo build --release --locked -p tertulia -p tertulia-bench

options=(--rounds "${ROUNDS:-3}")
if [ -n "${POSTGRES:-}" ]; then options+=(--postgres "$POSTGRES"); fi
if [ -n "${LARGEST:-}" ]; then options+=(--largest "$LARGEST"); fi
if [ -n "${WRITE:-}" ]; then options+=(--write "$ROOT/docs"); fi
exec "$(target_directory)/release/tertulia-bench" curve "${options[@]}"
