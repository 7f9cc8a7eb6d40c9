#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A life of the Debian packages that tests/install/test_packages.sh has made: they are installed,
# built against, upgraded while a program runs, removed, installed again and purged, with a real
# systemd and the real dpkg of a system that is thrown away afterwards.
# shellcheck source=tests/boot/kit.sh
source "$(dirname "$0")/kit.sh"

packages=$MACHD_BUILD_DIR/packages
names=(libmachclient-dev libmachclient1 machctl machd)

quietly() {
    "$@" >/tmp/log 2>&1 || {
        cat /tmp/log
        fail "$*"
    }
}

# All files there are, but for what dpkg and the cache of manual pages write down for themselves.
files() {
    find /etc /usr /var -path '/var/lib/dpkg' -prune -o -path '/var/cache' -prune -o \
        -path '/var/log' -prune -o -print | LC_ALL=C sort
}

# If this system is a container, where packages start nothing, the machine is none.
rm -f /usr/sbin/policy-rc.d
rm -f /var/lib/man-db/auto-update # which takes longer than all the rest
# What it has of machd is not ours to test.
for name in "${names[@]}"; do
    ! dpkg-query -s "$name" >/dev/null 2>&1 || quietly dpkg --force-unsafe-io --purge "$name"
done
files >/tmp/before

quietly dpkg --force-unsafe-io --install "$packages"/first/*.deb
expect enabled systemctl is-enabled machd.socket
expect active systemctl is-active machd.socket
expect inactive systemctl is-active machd.service
echo "installed, and waiting"

# The first program of README.md.
sed -n '/^```c$/,/^```$/p' "$MACHD_SOURCE_DIR/README.md" | sed '1d;/^```$/,$d' >/tmp/first.c
# shellcheck disable=SC2046 # several words are meant
quietly cc -Wall -Werror -o /tmp/first /tmp/first.c $(pkg-config --cflags --libs machclient)
loads=$(ldd /tmp/first)
[[ $loads == *"=> "?(/usr)"/lib/$(gcc -print-multiarch)/libmachclient.so.1 "* ]] ||
    fail "it runs with another library: $loads"
expect "hello from a Mach message" setpriv --reuid nobody --clear-groups /tmp/first
systemctl start machd.service
expect active systemctl is-active machd.service
expect "$(id -u machd)" stat -c %u "/proc/$(main_pid)"
expect /usr/bin/machd readlink "/proc/$(main_pid)/exe"
machctl ps >/dev/null || fail "machctl ps"
machd --check-config >/dev/null || fail "machd --check-config"
echo "a program is built against it and runs"

# An upgrade keeps what was set, and all ports.
start_client a
expect 0 ask a keep org.machd.boot
pid=$(main_pid)
printf '[limits]\nChannels=1000\n' >/etc/machd/machd.conf
systemctl disable -q machd.socket
quietly dpkg --force-unsafe-io --install "$packages"/second/*.deb
for name in "${names[@]}"; do
    [[ $(dpkg-query -W -f '${Version}' "$name") == *-2 ]] || fail "$name was not upgraded"
done
expect disabled systemctl is-enabled machd.socket
expect "$pid" main_pid
expect 0 ask a find org.machd.boot
grep -q Channels=1000 /etc/machd/machd.conf || fail "machd.conf was written over"
systemctl restart machd.service
[[ $(main_pid) != "$pid" ]] || fail "it is the same daemon"
expect $no_daemon ask a port
expect 0 ask a port
systemctl enable -q machd.socket
echo "an upgrade keeps settings and ports"

quietly dpkg --force-unsafe-io --remove "${names[@]}"
expect inactive systemctl is-active machd.socket
expect inactive systemctl is-active machd.service
expect $no_daemon ask a port
expect $no_daemon ask a port
[[ ! -e /usr/bin/machd && -e /etc/machd/machd.conf ]] || fail "removed too much, or too little"
echo "removed, but for the settings"

quietly dpkg --force-unsafe-io --install "$packages"/second/*.deb
grep -q Channels=1000 /etc/machd/machd.conf || fail "machd.conf was written over"
expect 0 ask a port
quietly dpkg --force-unsafe-io --purge "${names[@]}"
expect $no_daemon ask a port
files >/tmp/after
diff /tmp/before /tmp/after || fail "purged, but not all"
echo "purged, and nothing is left"
