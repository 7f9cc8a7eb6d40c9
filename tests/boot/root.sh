#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Of machine.sh, as process 1: makes the folder SCRATCH/root a system that boots into one script, and
# goes on as its systemd.
#
#   root.sh SCRATCH SCRIPT [ARGUMENT...]
set -euo pipefail
scratch=$1
root=$scratch/root
units=$root/lib/systemd/system
shift

# What a container has. What is the whole machine's can be read, not written.
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir -m 1777 "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
touch "$root/dev/console"
mount --bind "$scratch/console" "$root/dev/console"
# They may lie in file systems of their own, which the overlay does not show.
for folder in "$MACHD_SOURCE_DIR" "$MACHD_BUILD_DIR"; do
    layer=$(mktemp -d -p "$scratch/upper")
    mkdir -p "$layer/new" "$layer/work" "$root$folder"
    mount -t overlay machine "$root$folder" \
        -o "lowerdir=$folder,upperdir=$layer/new,workdir=$layer/work"
done
mkdir "$root/run/machine"
mount --bind "$scratch/shared" "$root/run/machine"

# Of this system's services it has the journal and, if somebody asks for them, D-Bus, polkit, and what
# starts the managers of users.
mkdir "$scratch/units"
cp -P "$units"/systemd-journald{.service,.socket,-dev-log.socket} "$scratch/units"
cp -P "$units"/{dbus.service,dbus.socket,polkit.service,user{@.service,-runtime-dir@.service,.slice}} \
    "$units"/{systemd-logind,dbus-org.freedesktop.login1}.service "$scratch/units" 2>/dev/null || true
for folder in lib/systemd/{system,system-generators} etc/systemd/{system,user} \
    usr/lib/systemd/user/sockets.target.wants; do
    [[ ! -d $root/$folder ]] || mount -t tmpfs -o mode=755 units "$root/$folder"
done
cp -P "$scratch/units"/* "$units"
mkdir -p "$root/run/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' \
    >"$root/run/systemd/journald.conf.d/machine.conf"

for target in basic local-fs sockets timers paths shutdown umount; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$units/$target.target"
done
cat >"$units/sysinit.target" <<'END'
[Unit]
DefaultDependencies=no
Wants=systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service
END
cat >"$units/machine.target" <<'END'
[Unit]
Requires=sysinit.target machine.service
Wants=sockets.target
END
# Its end, whatever it is, is the machine's.
{
    printf '[Unit]\nAfter=sysinit.target sockets.target\n'
    printf 'SuccessAction=exit-force\nFailureAction=exit-force\n'
    printf '[Service]\nType=oneshot\nTimeoutStartSec=%s\n' "${MACHINE_SECONDS:?}"
    printf 'StandardInput=null\nStandardOutput=file:/run/machine/output\nStandardError=inherit\n'
    printf 'Environment="%s"\n' "MACHD_SOURCE_DIR=$MACHD_SOURCE_DIR" \
        "MACHD_BUILD_DIR=$MACHD_BUILD_DIR" "HOME=/root" "LC_ALL=C.UTF-8"
    printf 'ExecStart='
    printf '"%s" ' "$@"
} >"$units/machine.service"

mkdir "$root/run/outside"
cd "$root"
pivot_root . run/outside
umount -l /run/outside
cd /
exec env -i container=machine PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    /lib/systemd/systemd --unit=machine.target --log-target=journal --show-status=no
