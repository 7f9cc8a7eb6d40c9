#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Units and commands that come to nothing: who has looked up their names is told at once, whatever
# StartTimeout= is, and not by mistake of units that take a detour. A unit that is started for one name
# cannot have another.
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
client=$MACHD_BUILD_DIR/tests/boot-client

# unit NAME: a unit, whose section [Service] is stdin, for the name org.machd.NAME.
unit() {
    printf '[service]\nName=org.machd.%s\nStartUnit=%s.service\nStartTimeout=1h\n' "$1" "$1" \
        >"/etc/machd/services.d/$1.conf"
    { echo "[Service]" && cat; } >"/run/systemd/system/$1.service"
}

unit exits <<<"ExecStart=/bin/true"
unit fails <<<"ExecStart=/bin/false"
unit killed <<<"ExecStart=/bin/sh -c 'kill -9 \$\$\$\$'"
unit oneshot <<<$'Type=oneshot\nExecStart=/bin/true'
unit crashes <<<$'ExecStart=/bin/false\nRestart=always\nRestartSec=0'
unit masked <<<""
ln -sf /dev/null /run/systemd/system/masked.service
unit missing <<<""
rm /run/systemd/system/missing.service
# What it says to systemd is not what it is: it has the name of another.
unit thief <<END_UNIT
ExecStart=$client
StandardInput=data
StandardInputText=keep org.machd.exits
END_UNIT

# served NAME LINE...: a unit of that kind which serves.
served() {
    unit "$1" < <(
        printf '%s\n' "${@:2}"
        printf 'StandardInput=data\nStandardInputText=%s\n' \
            "keep org.machd.$1" hear hear
    )
}
# command_for NAME COMMAND: the same for a command of machd's own.
command_for() {
    printf '[service]\nName=org.machd.%s\nStartCommand=%s\nStartTimeout=1h\n' "$1" "$2" \
        >"/etc/machd/services.d/$1.conf"
}
command_for status '/bin/sh -c "exit 3"'
command_for left '/bin/sh -c "setsid /bin/true & exit 0"'
command_for absent /usr/bin/absent

served forks Type=forking "ExecStart=/bin/sh -c 'exec 3<&0; $client <&3 &'"
served once Type=oneshot "ExecStart=$client"
served twice "ExecStart=/bin/sh -c 'mkdir /run/twice && exit 1; exec $client'" \
    Restart=on-failure RestartSec=100ms
# Those that wait until there is a folder of their name: with systemd, or as it sees them, started.
waits="echo waits; exec sleep 1000"
served readied Type=notify NotifyAccess=all \
    "ExecStart=/bin/sh -c '[ -d /run/readied ] || { $waits; }; systemd-notify --ready; exec $client'" \
    "[Unit]" StartLimitIntervalSec=0 "[Service]"
served restarted "ExecStart=/bin/sh -c '[ -d /run/restarted ] || { $waits; }; exec $client'" \
    "[Unit]" StartLimitIntervalSec=0 "[Service]"
systemctl daemon-reload
[[ $(systemctl show -P LoadState masked.service) == masked ]] || fail "it is not masked"
systemctl start dbus.socket machd.socket
start_client client

# told NAME WHY: who asks for it, and says something, is told soon that this was in vain.
told() {
    expect 0 ask client find "org.machd.$1"
    ask client say >/dev/null # it may be too late for that
    await_journal "service org.machd.$1: $2"
    expect 10000003 ask client say # MACH_SEND_INVALID_DEST
    machctl names | grep -F "org.machd.$1 failed: $2" >/dev/null || fail "$(machctl names)"
}
told exits "systemd: the unit ended without checking in"
told fails "systemd: the unit failed"
told killed "systemd: the unit failed"
told oneshot "systemd: the unit ended without checking in"
told crashes "systemd: the unit failed"
told masked "systemd: Unit masked.service is masked."
told missing "systemd: Unit missing.service not found."
echo "who waits for a unit that ends is told so"

told status "its command exited with status 3"
told left "its command ended without checking in"
told absent "/usr/bin/absent cannot be started: No such file or directory"
echo "so is who waits for a command"

told thief "systemd: the unit ended without checking in"
within grep -qm1 -x 44c < <(exec journalctl -u thief.service -o cat -n all -f -t boot-client) ||
    fail "thief was not told BOOTSTRAP_NOT_PRIVILEGED"
echo "a unit gets the names that are its own"

# heard NAME: the unit has got the message.
heard() {
    within grep -qm2 -x 0 < <(exec journalctl -u "$1.service" -o cat -n all -f) ||
        fail "$1 has not heard it"
}

for name in forks once twice; do
    expect 0 ask client find org.machd.$name
    expect 0 ask client say
    heard $name
    expect 0 ask client say
done
echo "one that takes a detour checks in"

# restart NAME: an administrator does, as often as he likes before it checks in; and it does then.
restart() {
    expect 0 ask client find "org.machd.$1"
    expect 0 ask client say
    within grep -qm1 -x waits < <(exec journalctl -u "$1.service" -o cat -n all -f) ||
        fail "$1 was not started"
    for _ in {1..20}; do
        systemctl restart ${2-} "$1.service"
    done
    mkdir "/run/$1"
    systemctl restart "$1.service"
    heard "$1"
    expect 0 ask client say
}
restart readied --no-block
restart restarted
echo "so does one that is started again meanwhile"
