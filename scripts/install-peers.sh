#!/usr/bin/env bash
# install-peers.sh [prism|synapse|prosody|ejabberd...]: installs what the server is measured against (make
# bench-peers): all four where none is named. No part of the tests. Prism and Synapse come into .test/peers with npm
# and pip; Prosody and ejabberd are Debian's packages, which need root, and whose services are not started.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

readonly PRISM=5.14.2 SYNAPSE=1.163.2
readonly PEERS="$TEST_HOME/peers"
readonly LOG="$LOGS/peers.log"
mkdir -p "$PEERS"

# Quietly, unless it fails.
run() { "$@" >"$LOG" 2>&1 || { cat "$LOG" >&2; fail "$*"; }; }

prism() {
  local program="$PEERS/prism/node_modules/@stoplight/prism-cli/dist/index.js" description="$PEERS/prism/conversations.json"
  if [ ! -f "$program" ]; then
    say "install prism"
    command -v npm >/dev/null || fail "npm is missing, which installs Prism"
    mkdir -p "$PEERS/prism"
    run npm install --prefix "$PEERS/prism" --no-audit --no-fund --no-progress --loglevel=error "@stoplight/prism-cli@$PRISM"
  fi
  if [ ! -f "$description" ]; then
    # The same description that the tests judge answers by, of the same package.
    local version archive
    version="$(node -p 'require("./sdk-tests/node/package.json").devDependencies["@twilio/cli-core"]')"
    archive="$(cd "$PEERS/prism" && npm pack --silent "@twilio/cli-core@$version")"
    tar -xzOf "$PEERS/prism/$archive" package/src/services/twilio-api/twilio_conversations_v1.json >"$description.new"
    mv "$description.new" "$description"
    rm -f "${PEERS:?}/prism/$archive"
  fi
}

synapse() {
  if "$PEERS/synapse/bin/python" -c 'import synapse.app.homeserver' 2>/dev/null; then return; fi
  say "install synapse"
  rm -rf "$PEERS/synapse"
  python3 -m venv "$PEERS/synapse"
  run "$PEERS/synapse/bin/python" -m pip install --quiet --disable-pip-version-check "matrix-synapse==$SYNAPSE"
}

# Installs a Debian package. Whatever would start its service is told not to.
debian() {
  local package="$1" program="$2" policy=/usr/sbin/policy-rc.d
  if type -P "$program" >/dev/null; then return; fi
  command -v apt-get >/dev/null || fail "$package is missing, and apt-get to install it"
  [ "$(id -u)" -eq 0 ] || fail "$package is missing: apt-get install $package, or run as root"
  say "install $package"
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap "rm -f $policy" EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  run apt-get update -qq
  run apt-get install -y -qq --no-install-recommends "$package"
}

prosody() { debian prosody prosody; }
ejabberd() { debian ejabberd ejabberdctl; }

[ "$#" -gt 0 ] || set -- prism synapse prosody ejabberd
for peer in "$@"; do
  case "$peer" in
    prism | synapse | prosody | ejabberd) "$peer" ;;
    *) fail "there is no peer $peer" ;;
  esac
done
