#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the programs of client/examples/ and compares what they say with what they are there to show.
#
#   tests/examples/check.sh FOLDER [PREFIX]    the programs, and what stands before their names;
#                                              MACHD_SOCKET says where the daemon is
set -euo pipefail
programs=$1 prefix=${2:-}
scratch=$(mktemp -d)
started=()

finish() {
    local pid
    for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap finish EXIT

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

example() { timeout 60 "$programs/$prefix$1" "${@:2}"; }

# start PROGRAM ARGUMENT...: in the background; its output is descriptor `out`, its input `in`.
start() {
    mkfifo "$scratch/in" "$scratch/out"
    "$programs/$prefix$1" "${@:2}" <"$scratch/in" >"$scratch/out" &
    started+=("$!")
    exec {in}>"$scratch/in" {out}<"$scratch/out"
    rm "$scratch/in" "$scratch/out"
}

# hear DESCRIPTOR TEXT...: its next line is that; a * stands for anything.
hear() {
    local line
    IFS= read -r -t 60 -u "$1" line || fail "no '${*:2}' from it"
    # shellcheck disable=SC2053 # a pattern is meant
    [[ $line == ${*:2} ]] || fail "'$line' instead of '${*:2}'"
}

stop() {
    local pid=${started[-1]}
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" || true
    unset 'started[-1]'
    exec {in}>&- {out}<&-
}

# Two calls of two processes.
start echo serve example.echo
hear "$out" ready
for text in "hello there" "and again"; do
    [[ $(example echo call example.echo "$text") == "$text" ]] || fail "no echo of '$text'"
    hear "$out" "* says $text"
done
! example echo call example.nobody hello 2>"$scratch/error" || fail "nobody answers"
grep -q '^example.nobody: ' "$scratch/error" || fail "the error does not say which service"
stop

# Two subscribers; the first hears one piece of news and goes, which the publisher learns.
start publisher serve example.news
hear "$out" ready
example publisher listen example.news 1 >"$scratch/first" &
first=$!
hear "$out" "1 subscribers"
example publisher listen example.news 2 >"$scratch/second" &
second=$!
hear "$out" "2 subscribers"
echo "first news" >&"$in"
wait "$first" || fail "the first subscriber failed"
hear "$out" "1 subscribers"
echo "second news" >&"$in"
wait "$second" || fail "the second subscriber failed"
hear "$out" "0 subscribers"
[[ $(<"$scratch/first") == "first news" ]] || fail "the first heard: $(<"$scratch/first")"
[[ $(<"$scratch/second") == $'first news\nsecond news' ]] ||
    fail "the second heard: $(<"$scratch/second")"
stop

# A file of some megabytes.
head -c 5000001 /dev/urandom >"$scratch/file"
start transfer receive example.file
hear "$out" ready
sent=$(example transfer send example.file "$scratch/file")
[[ $sent == "5000001 bytes, checksum "* ]] || fail "sent: $sent"
hear "$out" "$scratch/file: $sent"
stop

# The same call as to echo, answered by an event loop.
if [[ -x $programs/${prefix}loop ]]; then
    start loop example.loop
    hear "$out" ready
    [[ $(example echo call example.loop "Quietly") == QUIETLY ]] || fail "no answer in capitals"
    kill -TERM "${started[-1]}"
    hear "$out" "answered 1 calls"
    stop
fi

example timer 3 5 >"$scratch/ticks"
diff "$scratch/ticks" - <<END || fail "other ticks"
tick 1
tick 2
tick 3
3 ticks, none too early
END
