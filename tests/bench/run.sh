#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds a release build and measures it, beside a process that only relays packets between two
# sockets. Prints one table: medians over the rounds; nothing is judged.
#
#   [ROUNDS=3] [COUNT=5000] [NESTED=1000000] tests/bench/run.sh [--json]
#
# rpc: round trips of COUNT calls (a quarter from 16 KiB on); oneway: four times as many messages in
# one direction. free: the scheduler places the processes; 1cpu: all of them, the broker too, on one
# CPU. A size is that of the whole message. idle: a daemon of its own, alone and with 1000 clients.
# nest: a client puts NESTED receive rights into one another and destroys them (nested-end), once,
# while another client sends itself messages: its longest wait, and the daemon's peak of memory.
# memory-*: out-of-line memory through machd, and by hand (tests/bench/bench-memory.c). sizes: calls
# with bodies of 24 bytes to 48 MiB.

set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${ROUNDS:-3} count=${COUNT:-5000} nested=${NESTED:-1000000} json=
case ${1:-} in
'') ;;
--json) json=1 ;;
*)
    sed -n '/^# Builds/,/^$/s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

private=$(mktemp -d "${TMPDIR:-/tmp}/machd-bench.XXXXXX")
machd_pid=
cleanup() {
    local status=$?
    [[ -z $machd_pid ]] || kill -KILL "$machd_pid" 2>/dev/null || true
    ((status == 0)) || tail -n 20 "$private"/*.log >&2 || true
    rm -rf "$private"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '%s\n' "$*" >&2; }

build() {
    # shellcheck source=tests/tools/packages.sh
    source tests/tools/packages.sh
    machd_install_packages build >&2
    { cmake --preset release && cmake --build --preset release --target bench; } \
        >"$private/build.log" 2>&1
    rm "$private/build.log"
}

# start_machd ARGUMENT...
start_machd() {
    local fd
    export MACHD_SOCKET=$private/machd.sock BENCH_MACHD_PID
    rm -f "$private/ready"
    mkfifo "$private/ready"
    build/release/daemon/machd --foreground --socket "$MACHD_SOCKET" --ready-fd 3 "$@" \
        3>"$private/ready" 2>"$private/machd.log" &
    machd_pid=$!
    exec {fd}<"$private/ready"
    read -r -N 1 -t 60 -u "$fd" _ || {
        say "machd did not start"
        exit 1
    }
    exec {fd}<&-
    BENCH_MACHD_PID=$machd_pid
}

stop_machd() {
    kill -TERM "$machd_pid"
    wait "$machd_pid"
    machd_pid=
}

# Every row that was printed; columns: test, broker, size, place, metric, value.
measure() {
    local round programs=build/release/tests/bench
    for ((round = 1; round <= rounds; round++)); do
        say "round $round of $rounds"
        "$programs/bench-relay" "$count"
        start_machd
        "$programs/bench-machd" "$count"
        stop_machd
        start_machd
        "$programs/bench-idle"
        stop_machd
    done
    say "memory, and bodies of all sizes"
    start_machd
    "$programs/bench-memory"
    "$programs/bench-sizes"
    stop_machd
    say "$nested nested receive rights"
    printf '[limits]\nBytesPerUser=4G\nMessagesPerUser=16M\n' >"$private/nested.conf"
    start_machd --config "$private/nested.conf"
    "$programs/bench-nested" "$nested"
    stop_machd
}

# One row for each test, broker, size, place and metric: the median.
medians() {
    sort -t$'\t' -k1,5 -k6,6g | awk -F'\t' -v OFS='\t' '
        function flush() { if (n) print key, value[int((n + 1) / 2)]; n = 0 }
        { this = $1 OFS $2 OFS $3 OFS $4 OFS $5
          if (this != key) { flush(); key = this }
          value[++n] = $6 }
        END { flush() }'
}

as_json() {
    awk -F'\t' '
        { printf "%s{\"test\": \"%s\", \"broker\": \"%s\", \"%s\": %s, \"place\": \"%s\", " \
              "\"metric\": \"%s\", \"median\": %s}", NR == 1 ? "[\n" : ",\n", $1, $2, \
              $1 == "idle" ? "clients" : $1 ~ /^nest/ ? "depth" : "size", $3, $4, $5, $6 }
        END { print NR ? "\n]" : "[]" }'
}

as_table() {
    awk -F'\t' -v nested="$nested" '
        { value[$1, $2, $3, $4, $5] = $6 }
        function of(test, broker, size, place, metric) {
            return value[test, broker, size, place, metric]
        }
        function ratio(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "-" }
        function latency(size, place,   r, m) {
            r = of("rpc", "relay", size, place, "p50_us")
            m = of("rpc", "machd", size, place, "p50_us")
            printf "%-6s %6d %8.1f %8.1f %8.1f %8.1f %6s %8.1f %8.1f\n", place, size, r,
                of("rpc", "relay", size, place, "p99_us"), m,
                of("rpc", "machd", size, place, "p99_us"), ratio(m, r),
                of("rpc", "relay", size, place, "broker_cpu_us"),
                of("rpc", "machd", size, place, "broker_cpu_us")
        }
        function rate(size, place,   r, m) {
            r = of("oneway", "relay", size, place, "kmsg_s")
            m = of("oneway", "machd", size, place, "kmsg_s")
            printf "%-6s %6d %12.1f %12.1f %12s %12.1f %12.1f\n", place, size, r, m, ratio(m, r),
                of("oneway", "relay", size, place, "broker_cpu_us"),
                of("oneway", "machd", size, place, "broker_cpu_us")
        }
        function nest(test, what) {
            printf "%-10s %9.0f ms, longest wait of another client %7.2f ms in %d round trips\n",
                what, of(test, "machd", nested, "free", "ms"),
                of(test, "machd", nested, "free", "longest_wait_ms"),
                of(test, "machd", nested, "free", "others_calls")
        }
        function memory(kind, size, place,   h, m) {
            h = of("memory-" kind, "hand", size, place, "p50_us")
            m = of("memory-" kind, "machd", size, place, "p50_us")
            printf "%-6s %-10s %8d %12.1f %12.1f %7s\n", place, kind, size / 1024, h, m,
                ratio(m, h)
        }
        function body(size, before,   us, last) {
            us = of("sizes", "machd", size, "1cpu", "p50_us")
            last = of("sizes", "machd", before, "1cpu", "p50_us")
            printf "%9d %12.1f %10.3f %7s\n", size, us, us * 1000 / size, before ? ratio(us, last) : "-"
        }
        function idle(clients) {
            printf "%-12s %8d KiB RSS %8d KiB PSS %8.2f ms CPU per s\n", clients " clients",
                of("idle", "machd", clients, "free", "rss_kib"),
                of("idle", "machd", clients, "free", "pss_kib"),
                of("idle", "machd", clients, "free", "cpu_ms_per_s")
        }
        END {
            n = split("64 1024 16384 65536", sizes, " ")
            split("free 1cpu", places, " ")
            print "Round trip through a third process, us; ratio of the medians, machd to relay;"
            print "CPU us of the broker per round trip"
            print "place   bytes  relay50  relay99  machd50  machd99  ratio relayCPU machdCPU"
            for (p = 1; p <= 2; p++) for (s = 1; s <= n; s++) latency(sizes[s], places[p])
            print "\nOne way, thousand messages a second; the relay only passes on, while each"
            print "send to machd waits for its return code; CPU us of the broker per message"
            print "place   bytes        relay        machd        ratio     relayCPU     machdCPU"
            for (p = 1; p <= 2; p++) for (s = 1; s <= n; s++) rate(sizes[s], places[p])
            print "\nIdle daemon"
            idle(0); idle(1000)
            printf "%.2f KiB per connected client; 1000 connects took %.0f ms\n",
                of("idle", "machd", 1000, "free", "kib_per_client"),
                of("idle", "machd", 1000, "free", "connect_ms")
            print "\nOut-of-line memory, us until the receiver has read it, beside the same by hand"
            print "place  kind            KiB         hand        machd   ratio"
            k = split("moved copied untouched again heap", kinds, " ")
            z = split("65536 262144 1048576 67108864 1073741824", pieces, " ")
            for (p = 1; p <= 2; p++) for (s = 1; s <= z; s++) for (i = 1; i <= k; i++)
                memory(kinds[i], pieces[s], places[p])
            print "\nInline bodies, one CPU: us a call, ns a byte, ratio to the size before"
            print "    bytes           us    ns/byte   ratio"
            body(24, 0)
            for (size = 32; size < 50331580; size *= 2) { body(size, size == 32 ? 24 : size / 2) }
            body(50331580, 33554432)
            print "\nReceive rights inside one another, " nested " of them"
            nest("nest", "built"); nest("nested-end", "destroyed")
            printf "%d KiB RSS at most\n",
                of("nested-end", "machd", nested, "free", "peak_rss_kib")
        }'
}

build
measure >"$private/rows"
medians <"$private/rows" >"$private/medians"
if [[ $json ]]; then
    as_json <"$private/medians"
else
    printf '%s, %s; %s CPUs; medians of %s rounds\n\n' "$(date -u +%Y-%m-%dT%H:%MZ)" \
        "$(uname -srm)" "$(nproc)" "$rounds"
    as_table <"$private/medians"
fi
