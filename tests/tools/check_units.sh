#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# systemd itself reads the units and has nothing to say about them, and finds that the system's
# daemon may do very little.
set -euo pipefail
cd "$(dirname "$0")/../.."
exposure=1.5 # at most, of 10

if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: there is no systemd-analyze here"
    exit 0
fi
units=$(mktemp -d "${TMPDIR:-/tmp}/machd-units.XXXXXX")
trap 'rm -rf "$units"' EXIT

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

for manager in system user; do
    mkdir "$units/$manager"
    cp "systemd/$manager/machd.socket" "$units/$manager"
    sed "s,@CMAKE_INSTALL_FULL_BINDIR@/machd,${MACHD_BINARY:-/bin/true}," \
        "systemd/$manager/machd.service.in" >"$units/$manager/machd.service"
    said=$(XDG_RUNTIME_DIR="$units" systemd-analyze verify --man=no "--$manager" \
        "$units/$manager/machd.socket" "$units/$manager/machd.service" 2>&1 |
        grep -F "machd" || true)
    [[ -z $said ]] || fail "$said"
done

# What machd may do on top, for one of its settings, keeps below it, too.
mkdir "$units/system/machd.service.d"
for drop_in in none importance.conf; do
    [[ $drop_in == none ]] || cp "systemd/$drop_in" "$units/system/machd.service.d"
    said=$(systemd-analyze security --no-pager --offline=true --threshold="${exposure/./}" \
        "$units/system/machd.service" 2>&1) ||
        fail "$said" "with the drop-in $drop_in it may do too much"
    printf '%s (drop-in: %s)\n' "${said##*$'\n'}" "$drop_in"
done
echo "systemd accepts the units"
