#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Services of users' own instances that are units of their managers, which user@.service starts: a
# look-up has the user's manager start the unit, over the user's bus, and nobody else's. The same name
# of another user is another service. Without a bus nothing can be started, and with one again.
# shellcheck source=tests/boot/kit.sh
source "$(dirname "$0")/kit.sh"

for need in /usr/bin/dbus-daemon /lib/systemd/systemd-logind /usr/lib/systemd/user/dbus.socket; do
    [[ -e $need ]] || {
        echo "skipped: there is no $need here"
        exit 77
    }
done
cmake --install "$MACHD_BUILD_DIR" >/dev/null
printf 'u one 2001 - /home/one\nu two 2002 - /home/two\n' >/run/users.conf
systemd-sysusers /run/users.conf
systemd-sysusers
for user in one two; do
    mkdir -p /home/$user/.config/machd/services.d /home/$user/.config/systemd/user
    cat >/home/$user/.config/machd/services.d/unit.conf <<'END_RULE'
[service]
Name=org.machd.unit
StartUnit=example.service
END_RULE
    cat >/home/$user/.config/systemd/user/example.service <<END_UNIT
[Service]
ExecStart=$MACHD_BUILD_DIR/tests/boot-client
StandardInput=data
StandardInputText=keep org.machd.unit
StandardInputText=hear
StandardInputText=hear
StandardInputText=hear
END_UNIT
    chown -R $user: /home/$user
done
systemctl daemon-reload
systemctl start dbus.socket systemd-logind.service user@2001.service user@2002.service

# as USER COMMAND...
as() {
    setpriv --reuid "$1" --regid "$1" --clear-groups \
        env HOME="/home/$1" XDG_RUNTIME_DIR="/run/user/$(id -u "$1")" "${@:2}"
}
log_of() { exec journalctl "_UID=$(id -u "$1")" "_SYSTEMD_USER_UNIT=$2" -o cat -n all "${@:3}"; }

# await_zeros USER N: so many calls of his service have succeeded.
await_zeros() {
    within grep -qm"$2" -x 0 < <(log_of "$1" example.service -f) ||
        fail "the service of $1 has not done $2 things"
}

for user in one two; do
    as $user systemctl --user start dbus.socket machd.socket
    start_client $user as $user
    expect inactive as $user systemctl --user is-active example.service
done
expect 44c ask one keep org.machd.unit # BOOTSTRAP_NOT_PRIVILEGED
expect 0 ask one find org.machd.unit
expect 0 ask one say
await_zeros one 2
expect active as one systemctl --user is-active example.service
expect inactive as two systemctl --user is-active example.service
expect inactive systemctl is-active example.service
pid=$(as one systemctl --user show -P MainPID example.service)
expect "2001 2001 2001 2001" status_of "$pid" Uid
as one machctl policy explain "$pid" org.machd.unit | grep -q 'own  *yes  it runs in the unit' ||
    fail "$(as one machctl policy explain "$pid" org.machd.unit)"
echo "a look-up has a user's manager start a unit, which alone may have the name"

expect 0 ask two find org.machd.unit
expect 0 ask two say
await_zeros two 2
expect "2002 2002 2002 2002" status_of \
    "$(as two systemctl --user show -P MainPID example.service)" Uid
expect 0 ask one say
await_zeros one 3
journalctl --sync
[[ $(log_of two example.service | grep -cx 0) == 2 ]] || fail "the service of two heard one"
echo "the same name of two users is two services"

as one systemctl --user stop example.service
expect inactive as one systemctl --user is-active example.service
expect 0 ask one port # machd has seen before this that the service is gone
expect 0 ask one say
await_zeros one 5
echo "a unit that was stopped is started again by the next message"

as two systemctl --user stop dbus.socket dbus.service
as two systemctl --user stop example.service
expect 0 ask two port
expect 0 ask two say
within grep -qm1 -F 'service org.machd.unit: systemd cannot be asked for example.service' \
    < <(log_of two machd.service -f) || fail "two's machd does not say that there is no bus"
expect 10000003 ask two say # MACH_SEND_INVALID_DEST: the port went with what waited
as two systemctl --user start dbus.socket
expect 0 ask two find org.machd.unit
expect 0 ask two say
await_zeros two 4
echo "without a bus a start fails, and with one the next succeeds"
