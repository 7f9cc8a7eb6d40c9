#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# machd under a real systemd, which machine.sh has booted: it is started by the first connection, runs
# as nobody of importance, comes back when it is killed or hangs, and changes its mind when told to.
# shellcheck source=tests/boot/kit.sh
source "$(dirname "$0")/kit.sh"

cmake --install "$MACHD_BUILD_DIR" >/dev/null
systemd-sysusers
systemctl daemon-reload

# The first connection.
systemctl start machd.socket
expect inactive systemctl is-active machd.service
start_client a
expect 0 ask a port
systemctl start machd.service # it has begun to: wait until it is ready
expect active systemctl is-active machd.service
[[ $(systemctl show -P StatusText machd.service) == *" tasks, "*" messages per second" ]] ||
    fail "no status"
await_journal "listening at the socket from systemd"
expect 0 ask a keep org.machd.boot
expect 0 ask a find org.machd.boot
expect 0 ask a say
expect 0 ask a hear
[[ $(machctl ps) == *boot-client* ]] || fail "machctl does not see the client"
[[ $(setpriv --reuid nobody --clear-groups machctl ps) != *boot-client* ]] ||
    fail "everybody sees the tasks of root"
[[ $(setpriv --reuid nobody --groups machd-inspect machctl ps) == *boot-client* ]] ||
    fail "the group machd-inspect does not see all tasks"
echo "the first connection starts machd"

# What it may do.
pid=$(main_pid)
uid=$(id -u machd)
expect "$uid $uid $uid $uid" status_of "$pid" Uid
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
    expect 0000000000000000 status_of "$pid" "$set"
done
expect 1 status_of "$pid" NoNewPrivs
expect 2 status_of "$pid" Seccomp
for namespace in mnt net; do
    [[ $(readlink "/proc/$pid/ns/$namespace") != "$(readlink "/proc/self/ns/$namespace")" ]] ||
        fail "it is in the $namespace namespace of all"
done
while read -r folder; do
    ! nsenter -t "$pid" -m touch "$folder/probe" 2>/dev/null || fail "even root can write to $folder"
done < <(awk '{ print $5 }' "/proc/$pid/mountinfo")
echo "machd has no rights"

# Reloading: for a client that lives.
reload() {
    local since
    since=$(date +%s.%N)
    systemctl reload machd.service
    await_journal "the configuration was read again" --since "@$since"
}
mkdir -p /etc/machd/machd.conf.d
limit=/etc/machd/machd.conf.d/10-limit.conf
printf '[limits]\nTaskShare=100\nPortsPerUser=100\n' >"$limit"
reload
[[ $(ask a fill) == *" 6" ]] || fail "there is no end of ports" # KERN_RESOURCE_SHORTAGE
printf '[limits]\nPortsPerUser=123\nLogLevel=debug\n' >"$limit"
systemctl reload machd.service
await_journal "$limit:3: unknown key LogLevel= in [limits]" -p err
await_journal "the configuration stays as it was"
expect "0 6" ask a fill
printf '[machd]\nLogLevel=debug\n[limits]\nTaskShare=100\nPortsPerUser=123\n' >"$limit"
reload
expect "23 6" ask a fill
rm "$limit"
reload
expect 0 ask a port
echo "reload changes a limit"

# A violent end. Who waits is told, and the next call is served by the next daemon.
start_client b
expect 0 ask b keep org.machd.waits
tell b hear
expect 0 ask a find org.machd.waits
systemctl kill -s KILL machd.service
expect $no_daemon answer b
expect $no_daemon ask a port
expect 0 ask a port
expect 0 ask b keep org.machd.waits
systemctl start machd.service
[[ $(main_pid) != "$pid" ]] || fail "it is the same daemon"
expect 1 systemctl show -P NRestarts machd.service
for _ in 1 2 3 4 5; do # by default systemd would have enough of it by now
    systemctl kill -s KILL machd.service
    expect $no_daemon ask a port
    expect 0 ask a port
done
echo "a killed machd comes back, however often"

# A loop that stands still.
mkdir -p /run/systemd/system/machd.service.d
printf '[Service]\nWatchdogSec=8s\n' >/run/systemd/system/machd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart machd.service
expect $no_daemon ask a port
expect 0 ask a port
systemctl kill -s STOP machd.service
expect $no_daemon ask a port # it says so once there is nobody any more
expect 0 ask a port
await_journal "Watchdog timeout"
systemctl start machd.service
expect 1 systemctl show -P NRestarts machd.service
echo "the watchdog ends a machd that hangs"

# An end in order: no new one until somebody wants it.
systemctl stop machd.service
expect inactive systemctl is-active machd.service
expect active systemctl is-active machd.socket
await_journal "stopped; 0 pieces of memory are left"
expect $no_daemon ask a port
expect 0 ask a port
echo "a stopped machd is started by the next connection"
