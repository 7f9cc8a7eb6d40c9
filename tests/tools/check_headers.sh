#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every public header compiles alone, as C11 with gcc and clang and as C++17 with both; every other
# header compiles alone as what the project is written in.
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# compile_alone file.h compiler argument...
compile_alone() {
    local header=$1
    shift
    "$@" -Wall -Wextra -Werror -fsyntax-only "$scratch/alone" 2>"$scratch/log" && return
    printf '%s does not compile alone with: %s\n' "$header" "$*" >&2
    cat "$scratch/log" >&2
    failed=1
}

mapfile -t public < <(cd protocol/include && find . -name '*.h' | sed 's,^\./,,' | sort)
for header in "${public[@]}"; do
    printf '#include <%s>\n' "$header" >"$scratch/alone"
    for compiler in gcc clang; do
        compile_alone "$header" "$compiler" -std=c11 -Iprotocol/include -x c
        compile_alone "$header" "$compiler" -std=c++17 -Iprotocol/include -x c++
    done
done

mapfile -t inner < <(find protocol daemon client tests -name '*.h' ! -path 'protocol/include/*' |
    sort)
for header in "${inner[@]}"; do
    printf '#include "%s"\n' "$header" >"$scratch/alone"
    compile_alone "$header" gcc -std=gnu11 -D_GNU_SOURCE -I. -Iprotocol/include -x c
done

((failed == 0)) && echo "${#public[@]} public and ${#inner[@]} other headers compile alone"
exit "$failed"
