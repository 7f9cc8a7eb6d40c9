#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ImportanceNice= wants a privilege that machd's unit does not give: without the drop-in it says so and
# goes on; with it, processes of others get a better nice value, and machd has no other privilege.
# shellcheck source=tests/boot/kit.sh
source "$(dirname "$0")/kit.sh"

cmake --install "$MACHD_BUILD_DIR" >/dev/null
printf 'u somebody 2001 - -\n' >/run/users.conf
systemd-sysusers /run/users.conf
systemd-sysusers
mkdir -p /etc/machd/machd.conf.d
printf '[machd]\nImportanceNice=-5\n' >/etc/machd/machd.conf.d/nice.conf
systemctl daemon-reload
systemctl start machd.socket

# One client is served by another, both of the same user.
start_client server setpriv --reuid somebody --clear-groups
start_client donor setpriv --reuid somebody --clear-groups
usual=$(($(nice)))

# serve_one NICE: it has that nice value when a request is there.
serve_one() {
    expect 0 ask server keep org.machd.boot
    expect 0 ask server serve
    expect 0 ask donor donate
    expect 0 ask donor find org.machd.boot
    expect 0 ask donor say
    expect "$1 0" ask server nice
    expect 0 ask server hear
}

serve_one "$usual"
await_journal "ImportanceNice= has no effect"
echo "without the drop-in nobody is boosted"

mkdir -p /etc/systemd/system/machd.service.d
cp "$MACHD_SOURCE_DIR/systemd/importance.conf" /etc/systemd/system/machd.service.d
systemctl daemon-reload
systemctl restart machd.service
for client in server donor; do
    expect $no_daemon ask $client port
done
serve_one $((usual - 5))
pid=$(main_pid)
uid=$(id -u machd)
expect "$uid $uid $uid $uid" status_of "$pid" Uid
expect 0000000000800000 status_of "$pid" CapBnd # CAP_SYS_NICE
expect 0000000000800000 status_of "$pid" CapEff
expect 1 status_of "$pid" NoNewPrivs
echo "with it they are"
