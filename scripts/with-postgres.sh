#!/usr/bin/env bash
# with-postgres.sh COMMAND...: runs the command beside a PostgreSQL cluster of its own, which it finds in
# TERTULIA_TEST_POSTGRES (the URL of a superuser), and removes the cluster afterwards, whatever happened.
#
# The server refuses to run as root, so root hands it to an unprivileged user, with a folder that user can enter.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ "$#" -gt 0 ] || fail "usage: scripts/with-postgres.sh COMMAND..."

programs="$(postgres_programs)"
[ -n "$programs" ] || fail "no PostgreSQL server found: run scripts/install.sh"

cluster="$(mktemp -d /tmp/tertulia-postgres.XXXXXX)"
if [ "$(id -u)" -eq 0 ]; then
  owner=postgres
  if ! id "$owner" >/dev/null 2>&1; then
    owner=tertulia-test
    id "$owner" >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin "$owner"
  fi
  chown "$owner" "$cluster"
  as_owner() { (cd "$cluster" && runuser -u "$owner" -- "$@"); }
else
  as_owner() { (cd "$cluster" && "$@"); }
fi

child=""
clean_up() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$child" ]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  if [ -f "$cluster/data/postmaster.pid" ]; then
    as_owner "$programs/pg_ctl" -D "$cluster/data" -m immediate -w stop >/dev/null 2>&1 || true
  fi
  rm -rf "$cluster"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

as_owner "$programs/initdb" -D "$cluster/data" --username=postgres --auth=trust \
  --encoding=UTF8 --locale=C --no-sync >"$LOGS/initdb.log" 2>&1 ||
  { cat "$LOGS/initdb.log" >&2; fail "initdb"; }

# The data is thrown away with the cluster, so it need not outlive a power cut.
settings="-c listen_addresses=127.0.0.1 -c unix_socket_directories=$cluster -c max_connections=300"
settings="$settings -c fsync=off -c full_page_writes=off -c shared_buffers=128MB"
port=""
for _ in $(seq 20); do
  candidate=$((20000 + RANDOM % 10000))
  if (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then continue; fi
  if as_owner "$programs/pg_ctl" -D "$cluster/data" -l "$cluster/server.log" -w -t 60 \
    -o "$settings -p $candidate" start >/dev/null 2>&1; then
    port="$candidate"
    break
  fi
done
if [ -z "$port" ]; then
  tail -n 30 "$cluster/server.log" >&2 || true
  fail "PostgreSQL did not start"
fi

export TERTULIA_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
say "PostgreSQL: $TERTULIA_TEST_POSTGRES"

# In the background and in a process group of its own, so that a signal to this script is heard at once and
# ends the command with all that it started.
set -m
"$@" </dev/null &
child=$!
set +m
status=0
wait "$child" || status=$?
child=""
exit "$status"
