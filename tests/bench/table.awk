# SPDX-License-Identifier: Apache-2.0
#
# Prints what was measured and what it means: for people, or with -v json=1 for programs. Part of
# tests/bench/run.sh.

function relay_of(peer) {
    return peer ~ /^(machd-ring|machd-sync|relay-ring)/ ? "relay-ring" : "relay-sock"
}

# How many times slower than another: of times, and of rates.
function slower(test, peer, other, label, place, metric) {
    return metric ~ /_us$/ ? figure(ratio(test, peer, other, label, place, metric)) : \
                             figure(ratio(test, other, peer, label, place, metric))
}

function measured(test,    i, parts) {
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[1] == test)
            return 1
    }
    return 0
}

function rpc_line(peer, size, place) {
    if (!has("rpc", peer, size, place, "p50_us"))
        return
    printf "%-5s %6s  %-17s %9s %9s %9s %8s %8s\n", place, size, peer,
        figure(of("rpc", peer, size, place, "p50_us")),
        figure(of("rpc", peer, size, place, "p99_us")),
        figure(of("rpc", peer, size, place, "broker_cpu_us")),
        slower("rpc", peer, relay_of(peer), size, place, "p50_us"),
        slower("rpc", peer, "machd-ring", size, place, "p50_us")
}

function oneway_line(peer, size, place) {
    if (!has("oneway", peer, size, place, "kmsg_s"))
        return
    printf "%-5s %6s  %-17s %9s %9s %9s %8s %8s\n", place, size, peer,
        figure(of("oneway", peer, size, place, "kmsg_s")), "",
        figure(of("oneway", peer, size, place, "broker_cpu_us")),
        slower("oneway", peer, relay_of(peer), size, place, "kmsg_s"),
        slower("oneway", peer, "machd-ring", size, place, "kmsg_s")
}

function many_line(peer, place,    i, line) {
    for (i = 1; i <= 6; i++)
        line = line sprintf("%9s", figure(of("many", peer, crowds[i], place, "kcall_s")))
    if (line ~ /[0-9]/)
        printf "%-5s %-17s%s %8s %8s\n", place, peer, line,
            slower("many", peer, relay_of(peer), "8x1", place, "kcall_s"),
            slower("many", peer, "machd-ring", "8x1", place, "kcall_s")
}

function rpc_table(    p, s, i) {
    print "\nRound trips through a broker: us; CPU us of the broker for each; times slower than"
    print "the bare relay of its kind, and than machd over rings"
    print "place  bytes  peer                    p50       p99       CPU  x relay  x machd"
    for (p = 1; p <= 2; p++)
        for (s = 1; s <= 4; s++)
            for (i = 1; i <= peers; i++)
                rpc_line(peer_list[i], size_list[s], places[p])
}

function oneway_table(    p, s, i) {
    print "\nOne way: thousand messages a second; the rest as above"
    print "place  bytes  peer                 kmsg/s                 CPU  x relay  x machd"
    for (p = 1; p <= 2; p++)
        for (s = 1; s <= 4; s++)
            for (i = 1; i <= peers; i++)
                oneway_line(peer_list[i], size_list[s], places[p])
    printf "slow receiver: %s thousand messages a second, %d lost or out of order;" \
        " machd grew by %d KiB, the sender by %d KiB\n",
        figure(of("pressure", "machd", 64, "free", "kmsg_s")),
        of("pressure", "machd", 64, "free", "lost"),
        of("pressure", "machd", 64, "free", "machd_growth_kib"),
        of("pressure", "machd", 64, "free", "source_growth_kib")
}

function many_table(    p, i) {
    print "\nClient threads x services: thousand calls a second, 64 bytes; times slower with 8x1"
    print "place peer                   1x1      8x1     64x1      1x8      8x8     64x8  x relay  x machd"
    for (p = 1; p <= 2; p++)
        for (i = 1; i <= peers; i++)
            many_line(peer_list[i], places[p])
}

function busy_table(    i) {
    print "\nBeside a busy loop on each CPU: round trips, us; times slower than the relay that sleeps"
    for (i = 1; i <= peers; i++)
        if (has("rpc", peer_list[i], 64, "busy", "p50_us"))
            printf "%-17s %9s p50 %9s p99 %8s\n", peer_list[i],
                figure(of("rpc", peer_list[i], 64, "busy", "p50_us")),
                figure(of("rpc", peer_list[i], 64, "busy", "p99_us")),
                slower("rpc", peer_list[i], "relay-ring-sleep", 64, "busy", "p50_us")
}

function fair_line(label, place) {
    if (has("fair", "machd", label, place, "p50_us"))
        printf "%-10s %9s %9s %9s %9s %8s %8s %9s\n", label,
            figure(of("fair", "machd", label, place, "alone_p50_us")),
            figure(of("fair", "machd", label, place, "alone_p99_us")),
            figure(of("fair", "machd", label, place, "p50_us")),
            figure(of("fair", "machd", label, place, "p99_us")),
            figure(beside(label, place, "p50_us")), figure(beside(label, place, "p99_us")),
            figure(of("fair", "machd", label, place, "kdeeds_s"))
}

function fair_table(    i, n, labels) {
    print "\nA client's round trips, us, alone and beside a greedy process: of the same user (-1), of"
    print "another (-2); times slower; what that does, thousand a second. loop: never calls machd"
    print "beside     alone p50       p99       p50       p99    x p50    x p99       k/s"
    n = split("leak-1 leak-2 flood-1 flood-2 mute-1 mute-2 connect-1 connect-2 loop-1", labels, " ")
    for (i = 1; i <= n; i++)
        fair_line(labels[i], "free")
    print "the same; client, service and machd on one CPU, the greedy process on the others:"
    for (i = 1; i <= n; i++)
        fair_line(labels[i], "1cpu")
}

function growth_line(test, label,    base, p50) {
    p50 = of(test, "machd", label, "1cpu", "p50_us")
    if (!(test in base_of))
        base_of[test] = label
    base = base_of[test]
    printf "%-7s %9s %9s %9s %8s", test, label, figure(p50),
        figure(of(test, "machd", label, "1cpu", "p99_us")),
        figure(quotient(test SUBSEP "machd" SUBSEP label SUBSEP "1cpu" SUBSEP "p50_us",
                        test SUBSEP "machd" SUBSEP base SUBSEP "1cpu" SUBSEP "p50_us"))
    print test == "rights" ? sprintf(" %9.3f us for each right and direction", p50 / label / 2) : ""
}

function growth_table(    i, parts) {
    print "\nA round trip, one CPU, with more ports in the space, connected tasks, queued messages,"
    print "rights in the message: us; times that with the fewest"
    print "of             number       p50       p99    ratio"
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[5] == "p50_us" && parts[1] ~ /^(ports|tasks|queue|rights)$/)
            growth_line(parts[1], parts[3])
    }
}

function idle_table(    i, parts) {
    print "\nIdle"
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[1] == "idle" && parts[5] == "rss_kib")
            printf "%5s connected tasks %7d KiB RSS %7d KiB PSS %7.3f ms CPU a second\n",
                parts[3], of("idle", "machd", parts[3], "free", "rss_kib"),
                of("idle", "machd", parts[3], "free", "pss_kib"),
                of("idle", "machd", parts[3], "free", "cpu_ms_per_s")
    }
    printf "each: %.2f KiB, connected in %s us; one that has called: %.2f KiB\n",
        of("idle", "machd", "each", "free", "kib_per_client"),
        figure(of("idle", "machd", "each", "free", "connect_us")),
        of("active", "machd", "each", "free", "kib_per_client")
    printf "after all have called, and a second: machd %.3f, clients together %.3f ms CPU a second\n",
        of("active", "machd", "all", "free", "cpu_ms_per_s"),
        of("active", "machd", "all", "free", "clients_cpu_ms_per_s")
    printf "a port %.0f bytes, a send right %.0f bytes\n",
        of("rss", "machd", "each", "free", "bytes_per_port"),
        of("rss", "machd", "each", "free", "bytes_per_right")
}

function memory_table(    i, parts, huge) {
    print "\nOut-of-line memory: us until the receiver has read it, beside the same by hand"
    print "place  kind            KiB         hand        machd    ratio"
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[1] ~ /^memory-/ && parts[2] == "machd" && parts[5] == "p50_us")
            printf "%-6s %-10s %8d %12s %12s %8s\n", parts[4], substr(parts[1], 8), parts[3],
                figure(of(parts[1], "hand", parts[3], parts[4], "p50_us")),
                figure(of(parts[1], "machd", parts[3], parts[4], "p50_us")),
                figure(ratio(parts[1], "machd", "hand", parts[3], parts[4], "p50_us"))
    }
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[1] == "through" && parts[5] == "gib")
            printf "%s GiB in messages: %s ms; the daemon grew by %d KiB\n",
                figure(of("through", "machd", parts[3], parts[4], "gib")),
                figure(of("through", "machd", parts[3], parts[4], "ms")),
                of("through", "machd", parts[3], parts[4], "machd_growth_kib")
        if (parts[1] == "memory-huge")
            huge = of("memory-huge", "machd", parts[3], parts[4], "percent")
    }
    printf "in huge pages: %d%% of large memory%s\n", huge,
        huge ? "" : " (see transparent_hugepage/shmem_enabled)"
}

function sizes_table(    i, parts, us, last) {
    print "\nInline bodies, one CPU: us a call, ns a byte, ratio to the size before"
    print "    bytes           us    ns/byte    ratio"
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[1] != "sizes" || parts[5] != "p50_us")
            continue
        us = of("sizes", "machd", parts[3], "1cpu", "p50_us")
        printf "%9d %12s %10.3f %8s\n", parts[3], figure(us), us * 1000 / parts[3],
            last ? figure(us / last) : "-"
        last = us
    }
}

function nest_table(    i, parts) {
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[1] !~ /^nest/ || parts[5] != "ms")
            continue
        if (parts[1] == "nest")
            print "\nReceive rights inside one another, " parts[3] " of them"
        printf "%-10s %9.0f ms, longest wait of another client %7.2f ms in %d round trips\n",
            parts[1] == "nest" ? "built" : "destroyed",
            of(parts[1], "machd", parts[3], "free", "ms"),
            of(parts[1], "machd", parts[3], "free", "longest_wait_ms"),
            of(parts[1], "machd", parts[3], "free", "others_calls")
        if (parts[1] == "nested-end")
            printf "%d KiB RSS at most\n", of(parts[1], "machd", parts[3], "free", "peak_rss_kib")
    }
}

function inspect_table() {
    print "\nA client's round trips, us, beside a task with a million ports: alone, while `machctl ports`"
    print "runs, and `machctl port`; ms that one of those takes"
    printf "alone %9s p50 %9s p99\nports %9s p50 %9s p99 %9s ms\nport  %9s p50 %9s p99 %9s ms\n",
        figure(of("inspect", "machd", "alone", "free", "p50_us")),
        figure(of("inspect", "machd", "alone", "free", "p99_us")),
        figure(of("inspect", "machd", "ports", "free", "p50_us")),
        figure(of("inspect", "machd", "ports", "free", "p99_us")),
        figure(of("inspect", "machd", 64, "free", "list_ms")),
        figure(of("inspect", "machd", "port", "free", "p50_us")),
        figure(of("inspect", "machd", "port", "free", "p99_us")),
        figure(of("inspect", "machd", 64, "free", "port_ms"))
}

function judgement(    i) {
    print "\nJudgement"
    for (i = 1; i <= targets; i++)
        printf "%-3s %9s  %-14s %s\n", target_met[i] ? "yes" : "NO",
            target_figure[i] == 0 ? "0" : figure(target_figure[i]), target_wish[i], target_what[i]
}

function as_json(    i, parts) {
    printf "{\"where\": \"%s\", \"rounds\": %d, \"left_out\": \"%s\", \"rows\": [\n", where, rounds,
        left_out
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        printf "{\"test\": \"%s\", \"peer\": \"%s\", \"case\": \"%s\", \"place\": \"%s\", " \
            "\"metric\": \"%s\", \"median\": %s, \"least\": %s, \"most\": %s}%s\n", parts[1],
            parts[2], parts[3], parts[4], parts[5], of_key(order[i], "median"),
            of_key(order[i], "least"), of_key(order[i], "most"), i < keys ? "," : ""
    }
    print "], \"targets\": ["
    for (i = 1; i <= targets; i++)
        printf "{\"target\": \"%s\", \"wish\": \"%s\", \"figure\": %s, \"met\": %s}%s\n",
            target_what[i], target_wish[i], target_figure[i], target_met[i] ? "true" : "false",
            i < targets ? "," : ""
    print "]}"
}

function as_table() {
    print where "; medians of " rounds " rounds"
    if (left_out)
        print "left out, not installed: " left_out
    if (measured("oneway") || measured("rpc"))
        print "free: the scheduler places the processes; 1cpu: all of them on one CPU"
    if (measured("rpc"))
        rpc_table()
    if (measured("oneway"))
        oneway_table()
    if (measured("many"))
        many_table()
    if (has("rpc", "machd-ring", 64, "busy", "p50_us"))
        busy_table()
    if (measured("fair"))
        fair_table()
    if (measured("ports"))
        growth_table()
    if (measured("idle"))
        idle_table()
    if (measured("memory-moved"))
        memory_table()
    if (measured("sizes"))
        sizes_table()
    nest_table()
    if (measured("inspect"))
        inspect_table()
    judgement()
}

END {
    peers = split("machd-ring machd-sock machd-sync relay-ring relay-ring-sleep relay-sock " \
                  "dbus-broker dbus-broker-bare dbus-daemon zeromq nats", peer_list, " ")
    split("64 1024 16384 65536", size_list, " ")
    split("free 1cpu", places, " ")
    split("1x1 8x1 64x1 1x8 8x8 64x8", crowds, " ")
    if (json)
        as_json()
    else
        as_table()
}
