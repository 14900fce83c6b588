#!/usr/bin/env bash
# Every check in order, stopping at the first that fails. What each step printed stays in .test/logs, and the
# closing lines of the test runners are said again at the end.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# Everything is installed by now, so a build that asked the network would be a mistake.
export CARGO_NET_OFFLINE=true

steps=(lint rust-tests build sdk-python sdk-node sdk-client crash)
# Only the soak measures.
[ -z "${TERTULIA_TEST_SOAK:-}" ] || steps+=(large)
for step in "${steps[@]}"; do rm -f "$LOGS/$step.log"; done

for step in "${steps[@]}"; do
  say "$step"
  started=$SECONDS
  "scripts/$step.sh" 2>&1 | tee "$LOGS/$step.log" || { scripts/closing-lines.sh; fail "$step"; }
  say "$step took $((SECONDS - started)) s"
done
scripts/closing-lines.sh
