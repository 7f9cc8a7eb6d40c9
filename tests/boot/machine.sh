#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A machine of its own for a test: systemd as process 1, in namespaces, with a copy-on-write view of
# this system as its root. It has a journal and no other service, and runs one script.
#
#   tests/boot/machine.sh SCRIPT [ARGUMENT...]
#
# The script runs as root; MACHD_SOURCE_DIR and MACHD_BUILD_DIR are there. Prints what it prints, and
# exits with its status, or with 77 where such a machine is not allowed. Nothing that happens in there
# is seen outside, and nothing is left of it: its processes end with its process 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
seconds=100 # until it is ended from inside; ctest's limit comes later

skip() {
    echo "skipped: $*"
    exit 77
}

# As process 1 of the namespaces: the root, and a cgroup to call its own.
if [[ $1 == --set-up ]]; then
    scratch=$2
    mkdir "$scratch/upper" "$scratch/root" "$scratch/cgroup"
    mount -t tmpfs machine "$scratch/upper"
    mkdir "$scratch/upper/new" "$scratch/upper/work"
    mount -t overlay machine "$scratch/root" \
        -o "lowerdir=/,upperdir=$scratch/upper/new,workdir=$scratch/upper/work"
    mount -t cgroup2 machine "$scratch/cgroup"
    mkdir "$scratch/cgroup/${scratch##*/}"
    echo 0 >"$scratch/cgroup/${scratch##*/}/cgroup.procs"
    umount "$scratch/cgroup"
    exec unshare --cgroup -- "$here/root.sh" "$scratch" "${@:3}"
fi

[[ $EUID == 0 ]] || skip "only root can boot a machine in namespaces"
[[ -x /lib/systemd/systemd ]] || skip "there is no systemd here"
namespaces=(--mount --uts --ipc --net --pid --fork --kill-child=KILL)
# shellcheck disable=SC2016 # a dollar of that shell
unshare "${namespaces[@]}" --cgroup -- sh -ec 'cd "$0" && mount -t tmpfs none . && cd "$0"
    mkdir u w r && mount -t overlay none r -o "lowerdir=/,upperdir=u,workdir=w" &&
        mount -t cgroup2 none r/mnt' "${TMPDIR:-/tmp}" 2>/dev/null ||
    skip "namespaces, or mounts in them, are not allowed here"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/machd-machine.XXXXXX")

# The cgroups of the machine are seen from outside. They are empty when it has ended; if it was
# killed from there, its processes may take a moment.
remove_cgroups() {
    # shellcheck disable=SC2016 # dollars of that shell
    unshare --mount -- bash -c 'mount -t cgroup2 none "$1" && cd "$1" || exit
        for _ in {1..100}; do
            [[ -d $2 ]] || exit 0
            find "$2" -depth -type d -exec rmdir {} + && exit 0
            sleep 0.1
        done' machine "$scratch" "${scratch##*/}"
}

finish() {
    local status=$?
    trap - EXIT
    remove_cgroups 2>/dev/null || true
    rm -rf --one-file-system "$scratch"
    exit "$status"
}
trap finish EXIT

mkdir "$scratch/shared"
status=0
MACHINE_SECONDS=$seconds unshare "${namespaces[@]}" -- "$0" --set-up "$scratch" "$@" \
    >"$scratch/console" 2>&1 </dev/null || status=$?
if [[ ! -e $scratch/shared/output ]]; then
    cat "$scratch/console" >&2
    echo "the machine did not boot" >&2
    exit 1
fi
cat "$scratch/shared/output"
((status == 0 || status == 77)) || echo "the machine ended with status $status"
exit "$status"
