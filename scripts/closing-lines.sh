#!/usr/bin/env bash
# Says again how each test runner closed: nextest or cargo test, pytest, Node's test runner.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

say "how the test runners closed"
for step in rust-tests sdk-python sdk-node sdk-client crash large; do
  [ -f "$LOGS/$step.log" ] || continue
  printf '%s:\n' "$step"
  sed -E 's/\x1b\[[0-9;]*m//g' "$LOGS/$step.log" |
    grep -E '^ *Summary \[|^test result: |^=+ .* in [0-9.]+s|^[^ ]+ (tests|pass|fail|cancelled|skipped|todo) [0-9]+$' ||
    printf '  no closing line\n'
done
if [ -n "${TERTULIA_TEST_SOAK:-}" ] && [ -s "${TERTULIA_TEST_FIGURES:-}" ]; then
  say "what was measured"
  cat "$TERTULIA_TEST_FIGURES"
fi
