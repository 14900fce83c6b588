#!/usr/bin/env bash
# bench.sh [SCENARIO...]: builds the server and the harness for release and measures; all scenarios where none is
# named. ROUNDS says how often each side is measured (3), POSTGRES on which PostgreSQL besides SQLite: a superuser's
# URL; with WRITE the tables go into docs/BENCHMARKS.md as well. Quiet machines give better figures: nothing else should run.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if ! command -v wrk >/dev/null; then
  command -v apt-get >/dev/null || fail "wrk is missing, which makes the load, and apt-get to install it"
  [ "$(id -u)" -eq 0 ] || fail "wrk is missing, which makes the load: apt-get install wrk, or run as root"
  say "install wrk"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk >"$LOGS/apt.log" 2>&1 ||
    { cat "$LOGS/apt.log" >&2; fail "apt-get install wrk"; }
fi

cargo build --release --locked -p tertulia -p tertulia-bench

options=(--rounds "${ROUNDS:-3}")
if [ -n "${POSTGRES:-}" ]; then options+=(--postgres "$POSTGRES"); fi
if [ -n "${WRITE:-}" ]; then options+=(--write docs/BENCHMARKS.md); fi
exec "$(target_directory)/release/tertulia-bench" "${options[@]}" "$@"
