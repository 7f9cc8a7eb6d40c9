#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How many lines of a folder the tests have run, from a build of the coverage preset; fails below a
# floor.
#
#   tests/tools/coverage.sh BUILD FOLDER PERCENT
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 folder=$2 floor=$3

mapfile -t counts < <(find "$build" -name '*.gcno' -path "*/$(basename "$folder")/*" | sort)
((${#counts[@]})) || {
    echo "no coverage data in $build" >&2
    exit 1
}
LC_ALL=C gcov -n "${counts[@]}" 2>/dev/null | awk -v folder="$folder" -v floor="$floor" '
    /^File / {
        file = substr($0, 7, length($0) - 7)
        at = index(file, "/" folder "/")
        file = at ? substr(file, at + 1) : ""
    }
    /^Lines executed:/ && file ~ /\.c$/ {
        split($0, part, /[:% ]+/)
        printf "%7.1f%% of %4d  %s\n", part[3], part[5], file
        run += part[3] * part[5] / 100
        all += part[5]
        file = ""
    }
    END {
        percent = all ? 100 * run / all : 0
        printf "%7.1f%% of %4d  %s; at least %d%% are asked for\n", percent, all, folder, floor
        exit percent < floor
    }'
