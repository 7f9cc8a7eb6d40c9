# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests that machine.sh runs: clients that are led by the hand, and waiting.
# shellcheck shell=bash
set -eEuo pipefail

# shellcheck disable=SC2034 # the tests use it
no_daemon=f8004001 # MACHD_NO_DAEMON

fail() {
    printf '%s:%s: %s\n' "${BASH_SOURCE[1]##*/}" "${BASH_LINENO[0]}" "$*"
    echo "-- the journal:"
    journalctl --no-pager -o short-monotonic | tail -60
    exit 1
}

trap 'fail "this failed: $BASH_COMMAND"' ERR
trap 'fail "it was told to end, in: $BASH_COMMAND"' TERM HUP

# expect WORD COMMAND...: that is what it prints.
expect() {
    local expected=$1 said
    shift
    said=$("$@" 2>&1) || [[ -n $said ]] || said="status $?"
    [[ $said == "$expected" ]] || fail "$*: \"$said\", and not \"$expected\""
}

# start_client NAME COMMAND...: a boot-client, started by this command.
declare -A client_in client_out
clients=$(mktemp -d)
start_client() {
    local name=$1 in out
    shift
    mkfifo "$clients/$name.in" "$clients/$name.out"
    "$@" "$MACHD_BUILD_DIR/tests/boot-client" <"$clients/$name.in" >"$clients/$name.out" &
    exec {in}>"$clients/$name.in" {out}<"$clients/$name.out"
    client_in[$name]=$in
    client_out[$name]=$out
}

# Tell a client what to do; and print what it answers, which may take until it can.
tell() { printf '%s\n' "${*:2}" >&"${client_in[$1]}"; }
answer() {
    local line
    IFS= read -r -t 60 line <&"${client_out[$1]}" || line="no answer"
    printf '%s\n' "$line"
}
ask() {
    tell "$@"
    answer "$1"
}

# within COMMAND...: it has a minute. Not in a process group of its own: when the leader of one ends,
# and has a child in ours by a redirection, the kernel hangs up on us if one of us is stopped just then.
within() { timeout --foreground 60 "$@"; }

# await_journal TEXT [ARGUMENT...]: wait until the log of machd has a line with this.
await_journal() {
    within grep -qm1 -F -- "$1" < <(exec journalctl -u machd.service -o cat -n all -f "${@:2}") ||
        fail "the journal does not have: $1"
}

main_pid() { systemctl show -P MainPID machd.service; }

# The line of /proc/PID/status, without blanks.
status_of() { awk -v key="$2:" '$1 == key { $1 = ""; gsub(/[ \t]+/, " "); print substr($0, 2) }' "/proc/$1/status"; }
