# SPDX-License-Identifier: Apache-2.0
#
# What the project wants of its fast path, each with the figure of this run and whether it is met.
# Nothing fails by it. Part of tests/bench/run.sh.

# Note a target: `got` is to be at most (or at least, below) `limit`. What was not measured (0, unless
# `zero` says that 0 is a figure) is left out.
function target(what, got, relation, limit, zero) {
    if (got == 0 && !zero)
        return
    targets++
    target_what[targets] = what
    target_figure[targets] = got
    target_wish[targets] = relation " " limit
    if (relation == "at least")
        target_met[targets] = got >= limit
    else
        target_met[targets] = relation == "below" ? got < limit : got <= limit
}

function growth_target(test, what, few, many) {
    target(what, quotient(test SUBSEP "machd" SUBSEP many SUBSEP "1cpu" SUBSEP "p50_us",
                          test SUBSEP "machd" SUBSEP few SUBSEP "1cpu" SUBSEP "p50_us"),
           "at most", 1.25)
}

function rpc_targets(place, dbus,    p50, p99) {
    target("RPC 64 B, " place ": machd over rings, of the ring relay",
           ratio("rpc", "machd-ring", "relay-ring", 64, place, "p50_us"), "at most", 1.6)
    target("RPC 64 B, " place ": dbus-broker with sd-bus, of machd over rings",
           ratio("rpc", "dbus-broker", "machd-ring", 64, place, "p50_us"), "at least", dbus)
    target("RPC 64 B, " place ": ZeroMQ, of machd over rings",
           ratio("rpc", "zeromq", "machd-ring", 64, place, "p50_us"), "at least", 5)
    target("RPC 64 B, " place ": NATS, of machd over rings",
           ratio("rpc", "nats", "machd-ring", 64, place, "p50_us"), "at least", 5)
    target("RPC 64 B, " place ": machd over rings, p99 of p50",
           quotient("rpc" SUBSEP "machd-ring" SUBSEP 64 SUBSEP place SUBSEP "p99_us",
                    "rpc" SUBSEP "machd-ring" SUBSEP 64 SUBSEP place SUBSEP "p50_us"),
           "below", 4)
    target("RPC 64 B, " place ": machd over sockets, of the socket relay",
           ratio("rpc", "machd-sock", "relay-sock", 64, place, "p50_us"), "at most", 1.25)
    target("8 clients, " place ": calls a second, of dbus-broker with a bare client",
           ratio("many", "machd-ring", "dbus-broker-bare", "8x1", place, "kcall_s"),
           "at least", 5)
    target("one way 64 B, " place ": thousand messages a second",
           of("oneway", "machd-ring", 64, place, "kmsg_s"), "at least", 2000)
    target("one way 64 B, " place ": messages a second, of ZeroMQ",
           ratio("oneway", "machd-ring", "zeromq", 64, place, "kmsg_s"), "at least", 1)
}

# Round trips beside a greedy process, of those without it.
function beside(label, place, metric) {
    return quotient("fair" SUBSEP "machd" SUBSEP label SUBSEP place SUBSEP metric,
                    "fair" SUBSEP "machd" SUBSEP label SUBSEP place SUBSEP "alone_" metric)
}

function fair_target(label, place, who) {
    target("beside who " who ": median of a client, of its own alone",
           beside(label, place, "p50_us"), "at most", 2)
    target("beside who " who ": p99 of a client, of its own alone",
           beside(label, place, "p99_us"), "at most", 2)
}

function fair_targets(label, who) {
    fair_target(label, "free", who)
    fair_target(label, "1cpu", who " on CPUs of his own")
}

function inspect_target(label) {
    target("while machctl " label " runs: p99 of a client, of its own alone",
           quotient("inspect" SUBSEP "machd" SUBSEP label SUBSEP "free" SUBSEP "p99_us",
                    "inspect" SUBSEP "machd" SUBSEP "alone" SUBSEP "free" SUBSEP "p99_us"),
           "at most", 2)
}

function load_targets() {
    if (has("pressure", "machd", 64, "free", "lost")) {
        target("slow receiver: messages lost",
               of("pressure", "machd", 64, "free", "lost"), "at most", 0, 1)
        target("slow receiver: growth of the daemon, KiB",
               of("pressure", "machd", 64, "free", "machd_growth_kib"), "at most", 256, 1)
        target("slow receiver: growth of the sender, KiB",
               of("pressure", "machd", 64, "free", "source_growth_kib"), "at most", 256, 1)
    }
    target("busy machine: RPC over rings, of the ring relay that sleeps at once",
           ratio("rpc", "machd-ring", "relay-ring-sleep", 64, "busy", "p50_us"), "at most", 1)
    fair_targets("leak-1", "leaks ports, the same user")
    fair_targets("leak-2", "leaks ports, another user")
    fair_targets("flood-1", "floods, the same user")
    fair_targets("flood-2", "floods, another user")
    fair_targets("mute-1", "never reads, the same user")
    fair_targets("mute-2", "never reads, another user")
    fair_targets("connect-1", "connects for ever, the same user")
    fair_targets("connect-2", "connects for ever, another user")
}

function growth_targets(    i, parts) {
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[5] == "p50_us" && parts[1] ~ /^(ports|tasks|queue)$/) {
            if (!(parts[1] in smallest))
                smallest[parts[1]] = parts[3]
            else
                growth_target(parts[1], parts[1] ": RPC with " parts[3] ", of that with " \
                    smallest[parts[1]], smallest[parts[1]], parts[3])
        }
    }
    if (has("active", "machd", "all", "free", "cpu_ms_per_s")) {
        target("idle again: CPU time of the daemon, ms a second",
               of("active", "machd", "all", "free", "cpu_ms_per_s"), "at most", 0.05, 1)
        target("idle again: CPU time of its clients, ms a second",
               of("active", "machd", "all", "free", "clients_cpu_ms_per_s"), "at most", 0.05, 1)
    }
}

function memory_target(kind, kib, place, most) {
    target("memory " kind ", " kib " KiB, " place ": machd, of the same by hand",
           ratio("memory-" kind, "machd", "hand", kib, place, "p50_us"), "at most", most)
}

function memory_targets_at(place) {
    memory_target("moved", 1024, place, 1.5)
    memory_target("moved", 65536, place, 1.2)
    memory_target("moved", 1048576, place, 1.2)
    memory_target("copied", 1024, place, 1.5)
    memory_target("copied", 65536, place, 1.2)
    memory_target("copied", 1048576, place, 1.2)
    memory_target("heap", 1024, place, 1.3)
}

function memory_targets(    i, parts) {
    memory_targets_at("free")
    memory_targets_at("1cpu")
    for (i = 1; i <= keys; i++) {
        split(order[i], parts, SUBSEP)
        if (parts[1] == "through" && parts[5] == "machd_growth_kib")
            target("memory in messages: growth of the daemon, KiB",
                   of("through", "machd", parts[3], parts[4], "machd_growth_kib"),
                   "at most", 1024, 1)
    }
}

END {
    rpc_targets("free", 15)
    rpc_targets("1cpu", 3)
    load_targets()
    growth_targets()
    memory_targets()
    inspect_target("ports")
    inspect_target("port")
}
