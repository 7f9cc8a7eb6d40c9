#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs written for Mach's own headers compile with ours as they are: as C of several years and as
# C++, with gcc and clang, in 64 bits and, where there are headers for it, in 32. What mig makes is C.
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0
count=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Files of tests/sources that are in a language.
sources() {
    local generated=(! -name 'mig_*')
    [[ $1 == c++ ]] || generated=()
    find tests/sources -name '*.c' "${generated[@]}" | sort
}

echo '#include <stdlib.h>' >"$scratch/empty"
for compiler in gcc clang; do
    for language in c:gnu89 c:c99 c:gnu99 c:c11 c:gnu17 c++:c++11 c++:gnu++17; do
        for word in 64 32; do
            compile=("$compiler" "-m$word" -std="${language#*:}" -x "${language%%:*}" -fsyntax-only)
            "${compile[@]}" "$scratch/empty" 2>/dev/null || ((word == 64)) || continue
            for source in $(sources "${language%%:*}"); do
                count=$((count + 1))
                "${compile[@]}" -Wall -Wextra -Werror -D_GNU_SOURCE -Iprotocol/include "$source" \
                    2>"$scratch/log" && continue
                echo "$source: ${compile[*]}" >&2
                cat "$scratch/log" >&2
                failed=1
            done
        done
    done
done

((count > 0)) || failed=1
((failed == 0)) && echo "$count ways to compile the programs of tests/sources"
exit "$failed"
