#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job of machd, for a person to look at: installs what is missing, builds a release build,
# starts a daemon of its own on a private socket, lets processes talk through it, and stops it all.
#
#   tests/demo.sh [FILE]     FILE: what is sent in act 2; default: a big library of this system
#
# Exit status 0 only if everything it claims at the end was seen to be true. The daemon needs no
# root, no configuration and no systemd. Processes wait for each other through pipes (demo/demo.h).

set -euo pipefail
cd "$(dirname "$0")/.."

patience=60 # seconds to wait for any one step before the demo counts as failed

# Colour only for a person who wants it.
bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    bold=$'\e[1m' plain=$'\e[0m'
fi

heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

private=''
pids=() # what was started and not yet waited for

cleanup() {
    local status=$?
    trap - EXIT
    ((${#pids[@]} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null || true
    wait
    if ((status != 0)) && [[ -s $private/machd.log ]]; then
        printf 'demo: the last lines of the daemon'\''s log:\n' >&2
        tail -n 20 "$private/machd.log" >&2
    fi
    [[ -z $private ]] || rm -rf "$private"
    exit "$status"
}

# start NAME COMMAND...: run it with pipes to conduct it: from descriptor 3, and to its input.
declare -A pid_of from to
start() {
    local name=$1 fd
    shift
    mkfifo "$private/$name.from" "$private/$name.to"
    exec {fd}<>"$private/$name.to"
    to[$name]=$fd
    "$@" <"$private/$name.to" 3>"$private/$name.from" {fd}>&- &
    pid_of[$name]=$!
    pids+=("$!")
    exec {fd}<"$private/$name.from"
    from[$name]=$fd
}

# reached NAME: wait until it says it got somewhere.
reached() {
    read -r -N 1 -t "$patience" -u "${from[$1]}" _ || fail "$1 did not get to its next step"
}

# go NAME: let it go on.
go() { echo >&"${to[$1]}"; }

# finish NAME: wait for its end, which must be a good one.
finish() {
    local name=$1 pid=${pid_of[$1]} status=0 left=() p
    wait "$pid" || status=$?
    for p in "${pids[@]}"; do [[ $p == "$pid" ]] || left+=("$p"); done
    pids=("${left[@]}")
    ((status == 0)) || fail "$name failed with status $status"
}

# run NAME FILE COMMAND...: start and finish it; what it prints goes to FILE as well.
run() {
    local name=$1 output=$2
    shift 2
    start "$name" "$@" >"$output"
    finish "$name"
    cat "$output"
}

# sees WHAT PATTERN COMMAND...: the JSON that machctl shows has a line with the pattern.
sees() {
    local what=$1 pattern=$2
    shift 2
    "$machctl" "$@" --json | grep -E "$pattern" >/dev/null || fail "machctl $1 does not show $what"
}

show() {
    printf '\n$ machctl %s\n' "$*"
    "$machctl" "$@"
}

# The largest library or program between 4 and 16 MiB; cmake at least is one.
some_file() {
    find /usr/lib /usr/bin -xdev -type f -size +4M -size -16M -readable \
        -printf '%s %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d' ' -f2- || true
}

build() {
    # shellcheck source=tests/tools/packages.sh
    source tests/tools/packages.sh
    machd_install_packages build
    if ! { cmake --preset release && cmake --build --preset release --target demo; } \
        >"$private/build.log" 2>&1; then
        cat "$private/build.log" >&2
        fail "the build failed"
    fi
    machd=build/release/daemon/machd
    machctl=build/release/client/machctl
    programs=build/release/tests/demo
}

start_daemon() {
    export MACHD_SOCKET=$private/machd.sock
    start machd "$machd" --foreground --socket "$MACHD_SOCKET" --ready-fd 3 \
        2>"$private/machd.log"
    reached machd
    echo "machd runs as process ${pid_of[machd]} on $MACHD_SOCKET"
}

act_1_calls() {
    start service "$programs/demo-service"
    reached service
    echo "process ${pid_of[service]} checked in as demo.service; another one calls it:"
    run caller "$private/calls" "$programs/demo-caller" 10000
    show ps
    sees "the service" "\"pid\": ${pid_of[service]}, \"command\": \"demo-service\"" ps
    show names
    sees "the name" "\"demo.service\".*\"pid\": ${pid_of[service]}," names
    show ports "${pid_of[service]}"
    sees "the receive right" '"receive".*"service": "demo.service"' \
        ports "${pid_of[service]}"
}

act_2_file() {
    local file=$1 digest
    echo "$file"
    run sender "$private/sent" "$programs/demo-sender" "$file"
    digest=$(sha256sum <"$file" | cut -d' ' -f1)
    printf '%-9s %s\n' sha256sum "$digest"
    [[ $(grep -c " $digest\$" "$private/sent") == 2 ]] || fail "the digests differ"
}

act_3_move() {
    start successor "$programs/demo-successor"
    reached successor
    start keeper "$programs/demo-keeper"
    reached keeper
    start writer "$programs/demo-writer"
    reached writer
    show ports "${pid_of[keeper]}"
    sees "600 queued messages" '"receive".*"msgcount": 600,' ports "${pid_of[keeper]}"
    echo
    go writer
    go keeper
    finish keeper
    reached successor
    reached writer
    show ports "${pid_of[successor]}"
    sees "1000 queued messages" '"receive".*"msgcount": 1000,' ports "${pid_of[successor]}"
    show ps
    echo
    go successor
    finish successor
    go writer
    finish writer
}

# Everything ends by SIGTERM: the service because it serves for ever, the daemon with status 0.
stop() {
    local name status
    for name in service machd; do
        status=0
        kill -TERM "${pid_of[$name]}"
        wait "${pid_of[$name]}" || status=$?
        [[ $name == service ]] || ((status == 0)) || fail "machd ended with status $status"
    done
    pids=()
    [[ ! -e $MACHD_SOCKET ]] || fail "machd left its socket behind"
}

main() {
    local file=${1:-}
    [[ $# == 0 || (-f $file && -r $file) ]] || fail "'$file' is not a file that can be read"
    private=$(mktemp -d "${TMPDIR:-/tmp}/machd-demo.XXXXXX")
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    heading "machd: build and start"
    build
    [[ -n $file ]] || file=$(some_file)
    start_daemon
    heading "1. A service and 10,000 calls"
    act_1_calls
    heading "2. A file as a stream of messages"
    act_2_file "$file"
    heading "3. A receive right moves to another process, with messages on it"
    act_3_move
    heading "What was shown"
    stop
    cat <<END
- a service checked in under a name and another process looked it up:
  $(cat "$private/calls")
- a file went through as messages, with the same SHA-256 on both sides:
  $(head -n 1 "$private/sent")
- a receive right moved with 600 messages queued on it, 400 more came while it moved: 1000 of 1000
  arrived at the new owner, in order and unchanged
- machctl showed tasks, names and ports while all this ran; the daemon and everything else is stopped
END
}

main "$@"
