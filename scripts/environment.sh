# Sourced by the other scripts: where things are, and a few words to speak with.

set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TEST_HOME="$ROOT/.test"
LOGS="$TEST_HOME/logs"
VENV="$TEST_HOME/venv"
NODE_SUITE="$ROOT/sdk-tests/node"
CLI_SUITE="$ROOT/sdk-tests/cli"
CLIENT_SUITE="$ROOT/sdk-tests/client"
mkdir -p "$LOGS"
cd "$ROOT"

# An operator's own settings must not leak into the tests, nor reach a client under test.
while IFS='=' read -r name _; do
  case "$name" in
    TERTULIA_TEST_*) ;;
    TERTULIA_* | TWILIO_*) unset "$name" ;;
  esac
done < <(env | grep -E '^(TERTULIA|TWILIO)_' || true)

# Node from the virtual environment comes after the machine's own, where that one is new enough.
if [ -f "$TEST_HOME/node-path" ]; then
  PATH="$(cat "$TEST_HOME/node-path"):$PATH"
fi
export PATH

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

# The folder that cargo builds into, which CARGO_TARGET_DIR or cargo's configuration may have moved.
target_directory() {
  cargo metadata --format-version 1 --no-deps --offline |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}

# The programs of the newest PostgreSQL server on this machine; empty where there is none.
postgres_programs() {
  local found=""
  for folder in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V); do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then found="$folder"; fi
  done
  printf '%s' "$found"
}
