#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every row of the benchmark can be measured, and comes out both for people and for programs. Peers
# that are not installed are left out, and named. No figure is judged.
set -euo pipefail
cd "$(dirname "$0")/../.."

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
rows=$private/rows json=$private/json table=$private/table
failed=0

complain() {
    printf '%s\n' "$*" >&2
    failed=1
}

tests/bench/run.sh --build "$MACHD_BUILD_DIR" --quick --keep "$rows" --json \
    >"$json" 2>"$private/progress" || {
    cat "$private/progress" >&2
    exit 1
}
tests/bench/run.sh --from "$rows" >"$table"

left_out=$(head -n 1 "$rows" | cut -f4)
[[ -z $left_out ]] || {
    echo "not installed: $left_out"
    grep -qF "left out" "$private/progress" || complain "nobody says that $left_out is left out"
    grep -qF "left out, not installed: $left_out" "$table" || complain "the table does not say it"
}

# expect TEST PEER CASE PLACE METRIC...: unless the peer is left out.
expect() {
    local metric
    [[ " $left_out " != *" $2 "* ]] || return 0
    for metric in "${@:5}"; do
        grep -qF "{\"test\": \"$1\", \"peer\": \"$2\", \"case\": \"$3\", \"place\": \"$4\", \
\"metric\": \"$metric\", \"median\": " "$json" || complain "no row: $1 $2 $3 $4 $metric"
    done
}

for peer in machd-ring machd-sock machd-sync relay-ring relay-ring-sleep relay-sock \
    dbus-broker dbus-broker-bare dbus-daemon zeromq nats; do
    for place in free 1cpu; do
        for size in 64 1024 16384 65536; do
            [[ $peer == machd-sync ]] ||
                expect rpc $peer $size $place p50_us p99_us broker_cpu_us
            [[ $peer == *-bare ]] || expect oneway $peer $size $place kmsg_s broker_cpu_us
        done
        for crowd in 1x1 8x1 64x1 1x8 8x8 64x8; do
            [[ $peer == machd-sync ]] || expect many $peer $crowd $place kcall_s
        done
    done
done
for peer in machd-ring relay-ring relay-ring-sleep; do
    expect rpc $peer 64 busy p50_us p99_us
done
expect pressure machd 64 free kmsg_s lost machd_growth_kib source_growth_kib
greedy='leak-1 flood-1 mute-1 connect-1 loop-1' targets=44
((UID)) || greedy+=' leak-2 flood-2 mute-2 connect-2' targets=52
places=free
(($(nproc) == 1)) || places+=' 1cpu' targets=$((UID ? targets + 8 : targets + 16))
for label in $greedy; do
    for place in $places; do
        expect fair machd "$label" "$place" alone_p50_us alone_p99_us p50_us p99_us kdeeds_s
    done
done
for kind in ports tasks queue rights; do expect $kind machd 100 1cpu p50_us p99_us; done
for clients in 0 20; do expect idle machd $clients free rss_kib pss_kib cpu_ms_per_s; done
expect idle machd each free kib_per_client connect_us
expect active machd each free kib_per_client
expect active machd all free cpu_ms_per_s clients_cpu_ms_per_s
expect rss machd each free bytes_per_port bytes_per_right
for kind in moved copied untouched again heap; do
    for peer in hand machd; do expect memory-$kind $peer 1024 1cpu p50_us; done
done
for metric in ms gib machd_growth_kib; do expect through machd 1024 free $metric; done
expect memory-huge machd 1024 free percent
for size in 24 64 50331580; do expect sizes machd $size 1cpu p50_us; done
expect nest machd 1000 free ms longest_wait_ms others_calls
expect nested-end machd 1000 free ms peak_rss_kib

for label in alone ports port; do expect inspect machd $label free p50_us p99_us; done
expect inspect machd 64 free list_ms port_ms

# The two numbers that are no figures: what was sent arrived, and no wish was forgotten.
grep -q '"test": "pressure".*"metric": "lost", "median": 0,' "$json" || complain "messages were lost"
[[ $left_out ]] || (($(grep -c '^{"target": ' "$json") == targets)) || complain "not all the targets"
(($(grep -cE '^(yes|NO ) ' "$table") == $(grep -c '^{"target": ' "$json"))) ||
    complain "the table and the JSON differ in their targets"
grep -q '^free      64  machd-ring ' "$table" || complain "the table has no first line"

((failed == 0)) && echo "$(($(wc -l <"$rows") - 1)) rows"
exit "$failed"
