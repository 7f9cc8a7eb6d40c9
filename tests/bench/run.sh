#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds a release build and measures it beside what others do, in one run: one table, with ratios,
# and what the project wants to reach, each with its figure. tests/bench/README.md says how to read it.
#
#   tests/bench/run.sh [OPTION...] [GROUP...]      all groups, five rounds: about ten minutes
#
# Groups, each measured in every round, peer beside peer:
#   rpc      round trips, 64 bytes to 64 KiB       oneway   messages one way, and a slow receiver
#   many     1, 8, 64 clients; 1 and 8 services    busy     beside a busy loop on each CPU:
#                                                           ten short starts of each peer in turns
#   fair     a client beside four greedy ones      idle     memory, and CPU time of an idle system
# and those that are set up once:
#   growth   the same call with more of everything
#   memory   out-of-line memory, and by hand       sizes    inline bodies up to 48 MiB
#   nest     a million receive rights inside one another
#   inspect  a client while machctl looks at a million ports
#
# Options:
#   --json          for programs: every median with its extremes, and the targets
#   --quick         one round, a moment each: does everything work? The figures mean nothing
#   --rounds N      instead of 5
#   --time MS       instead of 200: how long one figure is measured
#   --peers "P..."  some of: machd-ring machd-sock machd-sync relay-ring relay-ring-sleep relay-sock
#                   dbus-broker dbus-broker-bare dbus-daemon zeromq nats
#   --build DIR     measure what is there; build and install nothing
#   --keep FILE     keep what was measured, for later:
#   --from FILE     measure nothing, print what was kept
#
# Others are installed with apt-get if they are missing, run as private processes, and left out, with
# a word, where that cannot be. Exit status 0 if all that was there could be measured.

set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8 PATH=$PATH:/usr/sbin

groups_per_round=(rpc oneway many busy fair idle)
groups_once=(growth memory sizes nest inspect)
peers=(
    machd-ring machd-sock machd-sync relay-ring relay-ring-sleep relay-sock
    dbus-broker dbus-broker-bare dbus-daemon zeromq nats
)
rounds=5 window=200 json='' quick='' build='' keep='' from='' chosen=() wanted=("${peers[@]}")

# On a terminal, what is being measured right now stands in a line that the next one replaces.
clear='' status=''
[[ ! -t 2 ]] || clear=$'\r\e[K' status=1

say() { printf '%s%s\n' "$clear" "$*" >&2; }

usage() {
    sed -n '/^# Builds/,/^$/s/^# \{0,1\}//p' "$0"
    exit "$1"
}

while (($#)); do
    case $1 in
    --json) json=1 ;;
    --quick) quick=1 rounds=1 window=3 ;;
    --rounds) rounds=${2:?} && shift ;;
    --time) window=${2:?} && shift ;;
    --peers) read -r -a wanted <<<"${2:?}" && shift ;;
    --build) build=${2:?} && shift ;;
    --keep) keep=${2:?} && shift ;;
    --from) from=${2:?} && shift ;;
    -h | --help) usage 0 ;;
    *)
        [[ " ${groups_per_round[*]} ${groups_once[*]} " == *" $1 "* ]] || {
            say "run.sh: there is no group '$1'"
            usage 2 >&2
        }
        chosen+=("$1")
        ;;
    esac
    shift
done
((${#chosen[@]})) || chosen=("${groups_per_round[@]}" "${groups_once[@]}")

private=$(mktemp -d "${TMPDIR:-/tmp}/machd-bench.XXXXXX")
chmod 711 "$private" # one client is another user
export TMPDIR=$private
running=''
cleanup() {
    local status=$?
    trap - EXIT
    [[ -z $running ]] || kill -KILL "$running" 2>/dev/null || true
    rm -rf "$private"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

prepare() {
    # shellcheck source=tests/tools/packages.sh
    source tests/tools/packages.sh
    machd_install_packages bench >&2
    say "building"
    { cmake --preset release && cmake --build --preset release --target bench; } \
        >"$private/build.log" 2>&1 || {
        cat "$private/build.log" >&2
        exit 1
    }
    build=build/release
}

# command_of PEER: sets `command` to the program, and what it needs in its environment.
command_of() {
    command=(env)
    case $1 in
    machd-ring) command+=("$programs/bench-machd") ;;
    machd-sock) command+=(MACHD_RING=0 "$programs/bench-machd") ;;
    machd-sync) command+=(MACHD_SYNC_SEND=1 "$programs/bench-machd") ;;
    relay-ring) command+=("$programs/bench-ring") ;;
    relay-ring-sleep) command+=(BENCH_SLEEP=1 "$programs/bench-ring") ;;
    relay-sock) command+=("$programs/bench-relay") ;;
    dbus-broker | dbus-daemon) command+=("$programs/bench-dbus") ;;
    dbus-broker-bare) command+=("$programs/bench-dbus-bare") ;;
    zeromq | nats) command+=("$programs/bench-$1") ;;
    *)
        say "run.sh: there is no peer '$1'"
        exit 2
        ;;
    esac
}

# Those that can be measured here; the others are named.
present=() left_out=()
choose_peers() {
    local peer broker
    for peer in "${wanted[@]}"; do
        command_of "$peer"
        case $peer in
        dbus-broker*) broker=dbus-broker ;;
        dbus-daemon) broker=dbus-daemon ;;
        nats) broker=nats-server ;;
        *) broker=env ;;
        esac
        if [[ -x ${command[-1]} ]] && command -v "$broker" >/dev/null; then
            present+=("$peer")
        else
            left_out+=("$peer")
        fi
    done
    ((${#left_out[@]} == 0)) ||
        say "left out, not installed and cannot be: ${left_out[*]}"
}

# measure COMMAND...: its rows are added to those there are.
failures=0
measure() {
    [[ -z $status ]] || printf '%s  %s' "$clear" "${*##*/}" >&2
    timeout -k 1 600 "$@" >>"$private/rows" 2>"$private/log" &
    running=$!
    wait "$running" || {
        say "failed: $*"
        tail -n 3 "$private/log" >&2
        failures=$((failures + 1))
    }
    running=''
}

# peer_measure PEER ARGUMENT...
peer_measure() {
    local peer=$1
    shift
    command_of "$peer"
    measure "${command[@]}" -b "$peer" -t "$window" "$@"
}

is_present() { [[ " ${present[*]} " == *" $1 "* ]]; }

rpc() {
    local place size peer
    for place in free 1cpu; do
        for size in 64 1024 16384 65536; do
            for peer in "${present[@]}"; do
                [[ $peer == machd-sync ]] || peer_measure "$peer" -p $place -s $size rpc
            done
        done
    done
}

oneway() {
    local place size peer
    for place in free 1cpu; do
        for size in 64 1024 16384 65536; do
            for peer in "${present[@]}"; do
                [[ $peer == *-bare ]] || peer_measure "$peer" -p $place -s $size oneway
            done
        done
    done
    measure "$programs/bench-load" -t "$window" pressure
}

many() {
    local place clients services peer
    for place in free 1cpu; do
        for services in 1 8; do
            for clients in 1 8 64; do
                for peer in "${present[@]}"; do
                    [[ $peer == machd-sync ]] || peer_measure "$peer" -p $place -t \
                        $(((window + 1) / 2)) -c $clients -v $services many
                done
            done
        done
    done
}

# Which processes share a CPU decides on the figure, is chance, and often does not change while they
# run: so each peer is started many times, in turns with the others.
busy() {
    local start peer
    for ((start = 0; start < ${quick:-10}; start++)); do
        for peer in machd-ring relay-ring relay-ring-sleep; do
            ! is_present $peer || peer_measure $peer -p busy -t $(((window + 1) / 2)) rpc
        done
    done
}

fair() {
    measure "$programs/bench-fair" -t $((window * 2)) fair
    (($(nproc) == 1)) || measure "$programs/bench-fair" -p 1cpu -t $((window * 2)) fair
}

idle() {
    measure "$programs/bench-idle" ${quick:+-n 20} idle
    measure "$programs/bench-idle" ${quick:+-n 20} active
    measure "$programs/bench-idle" ${quick:+-n 1000} rss
}

growth() {
    local kind
    for kind in ports tasks queue rights; do
        measure "$programs/bench-growth" -p 1cpu -t "$window" -r "$rounds" ${quick:+-n 100} $kind
    done
}

memory() {
    local place size
    local -A times=([64]=200 [256]=200 [1024]=200 [65536]=21 [1048576]=3)
    for place in free 1cpu; do
        for size in 64 256 1024 65536 1048576; do
            [[ $quick && $size -gt 1024 ]] ||
                measure "$programs/bench-memory" -p $place -s $size \
                    -n "${quick:-${times[$size]}}" memory
        done
    done
    # 64 GiB in all.
    if [[ $quick ]]; then
        measure "$programs/bench-memory" -s 1024 -n 4 through
    else
        measure "$programs/bench-memory" -s 1048576 -n 64 through
    fi
}

sizes() { measure "$programs/bench-sizes" -p 1cpu ${quick:+-n 1} sizes; }

nest() { measure "$programs/bench-nested" ${quick:+-n 1000} nest; }

inspect() { measure "$programs/bench-inspect" -t $((window * 10)) ${quick:+-n 1000} inspect; }

chosen_of() {
    local group
    for group in "$@"; do
        [[ " ${chosen[*]} " != *" $group "* ]] || printf '%s\n' "$group"
    done
}

measure_all() {
    local round group
    for ((round = 1; round <= rounds; round++)); do
        for group in $(chosen_of "${groups_per_round[@]}"); do
            say "round $round of $rounds: $group"
            "$group"
        done
    done
    for group in $(chosen_of "${groups_once[@]}"); do
        say "once: $group"
        "$group"
    done
}

report() {
    awk -v json="$json" -f tests/bench/report.awk -f tests/bench/targets.awk \
        -f tests/bench/table.awk "$1"
}

if [[ $from ]]; then
    report "$from"
    exit
fi
[[ $build ]] || prepare
programs=$build/tests/bench
MACHD_BINARY=$(realpath "$build/daemon/machd")
export MACHD_BINARY
choose_peers
printf '#\t%s, %s CPUs, %s\t%s\t%s\n' "$(uname -srm)" "$(nproc)" "$(date -u +%Y-%m-%dT%H:%MZ)" \
    "$rounds" "${left_out[*]}" >"$private/rows"
measure_all
printf '%s' "$clear" >&2
[[ -z $keep ]] || cp "$private/rows" "$keep"
report "$private/rows"
((failures == 0)) || {
    say "$failures measurements failed"
    exit 1
}
