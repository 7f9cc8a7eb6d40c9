#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Instances of users, beside that of the system: each is started by its user's first connection, and
# nobody finds what another one's instance has.
# shellcheck source=tests/boot/kit.sh
source "$(dirname "$0")/kit.sh"

cmake --install "$MACHD_BUILD_DIR" >/dev/null
printf 'u one 2001 - -\nu two 2002 - -\n' >/run/users.conf
systemd-sysusers /run/users.conf
systemd-sysusers

# What user@.service is, without the log-in.
cat >/run/systemd/system/manager@.service <<'END'
[Service]
User=%i
Type=notify
Environment=XDG_RUNTIME_DIR=/run/user/%i
ExecStartPre=+/bin/install -d -m 700 -o %i -g %i /run/user/%i
ExecStart=/lib/systemd/systemd --user --unit=machd.socket
Delegate=yes
END
systemctl daemon-reload
systemctl start machd.socket manager@one.service manager@two.service

# as USER COMMAND...
as() {
    setpriv --reuid "$1" --regid "$1" --clear-groups env XDG_RUNTIME_DIR="/run/user/$1" "${@:2}"
}

start_client root
start_client one as one
start_client two as two
for user in one two; do
    expect active as "$user" systemctl --user is-active machd.socket
    expect inactive as "$user" systemctl --user is-active machd.service
done
for user in one two; do
    expect 0 ask "$user" keep org.machd.boot # taken, if it were the same instance
    as "$user" systemctl --user start machd.service
    pid=$(as "$user" systemctl --user show -P MainPID machd.service)
    uid=$(id -u "$user")
    expect "$uid $uid $uid $uid" status_of "$pid" Uid
    expect 1 status_of "$pid" NoNewPrivs
    expect 2 status_of "$pid" Seccomp
done
expect inactive systemctl is-active machd.service
expect 44e ask root find org.machd.boot # BOOTSTRAP_UNKNOWN_SERVICE
expect active systemctl is-active machd.service
for user in one two; do
    expect 0 ask "$user" find org.machd.boot
    expect 0 ask "$user" say
    expect 0 ask "$user" hear
    as "$user" machctl ps | grep -c boot-client | grep -qx 1 || fail "$user sees others"
done
echo "each user has his own"

start_client spy as two env MACHD_SOCKET=/run/user/one/machd.sock
expect $no_daemon ask spy port
start_client guest as two env MACHD_SOCKET=/run/machd/machd.sock
expect 44e ask guest find org.machd.boot
echo "nobody gets at another one's"
