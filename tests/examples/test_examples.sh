#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The programs of client/examples/ do what they are there to show, with the daemon of this build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
daemon=

finish() {
    local status=$?
    ((status == 0)) || cat "$scratch/log" >&2
    [[ -z $daemon ]] || kill -KILL "$daemon" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

export MACHD_SOCKET=$scratch/machd.sock
mkfifo "$scratch/ready"
"$MACHD_BINARY" --foreground --socket "$MACHD_SOCKET" --ready-fd 3 3>"$scratch/ready" \
    2>"$scratch/log" &
daemon=$!
read -r -N 1 -t 60 _ <"$scratch/ready"
"$here/check.sh" "$MACHD_BUILD_DIR/client/examples" example-
kill "$daemon"
wait "$daemon"
daemon=
echo "the examples do what they say"
