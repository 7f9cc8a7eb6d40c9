#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# systemd itself reads the units and has nothing to say about them.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: there is no systemd-analyze here"
    exit 0
fi
units=$(mktemp -d "${TMPDIR:-/tmp}/machd-units.XXXXXX")
trap 'rm -rf "$units"' EXIT
cp systemd/machd.socket "$units"
sed "s,@CMAKE_INSTALL_FULL_BINDIR@/machd,${MACHD_BINARY:-/bin/true}," systemd/machd.service.in \
    >"$units/machd.service"
said=$(systemd-analyze verify "$units/machd.socket" "$units/machd.service" 2>&1 |
    grep -F "machd" || true)
[[ -z $said ]] || {
    printf '%s\n' "$said" >&2
    exit 1
}
echo "systemd accepts the units"
