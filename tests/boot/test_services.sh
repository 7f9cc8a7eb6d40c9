#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A service that is a unit: machd, which may do nothing else, has systemd start it when its name is
# looked up, and again when it was killed; nobody outside of the unit may have the name.
# shellcheck source=tests/boot/kit.sh
source "$(dirname "$0")/kit.sh"

for need in /usr/bin/dbus-daemon /usr/lib/polkit-1/polkitd; do
    [[ -x $need ]] || {
        echo "skipped: there is no $need here"
        exit 77
    }
done
cmake --install "$MACHD_BUILD_DIR" >/dev/null
mkdir -p /etc/machd/services.d /etc/polkit-1/rules.d
# Where polkit looks, wherever the rest goes.
cp "$MACHD_SOURCE_DIR/systemd/machd.polkit.rules" /etc/polkit-1/rules.d/machd.rules
systemd-sysusers
cat >/etc/machd/services.d/unit.conf <<'END_RULE'
[service]
Name=org.machd.unit
StartUnit=example.service
END_RULE
cat >/run/systemd/system/example.service <<END_UNIT
[Service]
ExecStart=$MACHD_BUILD_DIR/tests/boot-client
StandardInput=data
StandardInputText=keep org.machd.unit
StandardInputText=hear
StandardInputText=hear
END_UNIT
systemctl daemon-reload
systemctl start dbus.socket machd.socket

# await_zeros N: so many calls of the service's have succeeded.
await_zeros() {
    within grep -qm"$1" -x 0 < <(exec journalctl -u example.service -o cat -n all -f) ||
        fail "the service has not done $1 things"
}

start_client client
expect inactive systemctl is-active example.service
expect 44c ask client keep org.machd.unit # BOOTSTRAP_NOT_PRIVILEGED
expect 0 ask client find org.machd.unit
expect 0 ask client say
await_zeros 2
expect active systemctl is-active example.service
pid=$(systemctl show -P MainPID example.service)
machctl policy explain "$pid" org.machd.unit | grep -q 'own  *yes  it runs in the unit' ||
    fail "$(machctl policy explain "$pid" org.machd.unit)"
echo "a look-up starts a unit, which alone may have the name"

systemctl kill --signal=KILL example.service
within tail --pid="$pid" -f /dev/null
expect 0 ask client port # machd has seen before this that the service is gone
expect 0 ask client say
await_zeros 4
[[ $(systemctl show -P MainPID example.service) != "$pid" ]] || fail "it is still the same process"
echo "its clients do not notice that it was killed"
