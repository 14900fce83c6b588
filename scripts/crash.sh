#!/usr/bin/env bash
# Kills the server under load and looks for what it had acknowledged; rounds from CRASH_ROUNDS_SQLITE (5) and
# CRASH_ROUNDS_POSTGRES (2).
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
exec scripts/sdk-python.sh crash "$@"
