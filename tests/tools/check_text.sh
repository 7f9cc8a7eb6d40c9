#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a compiler does not see: each source file opens with its licence and says what it is for,
# stays within 700 lines and has no function over 90; documents name only files that exist.
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0

complain() {
    printf '%s\n' "$*" >&2
    failed=1
}

mapfile -t sources < <(find protocol daemon client tests -name '*.[ch]' -o -name '*.def' | sort)
for file in "${sources[@]}"; do
    {
        read -r first || true
        read -r second || true
    } <"$file"
    [[ $first == '/* SPDX-License-Identifier: Apache-2.0 */' ]] ||
        complain "$file:1: no SPDX line"
    [[ $second == '/*'* ]] || complain "$file:2: no comment that says what the file is for"
    case $file in
    *.h) grep -q '^#pragma once$' "$file" || complain "$file: no #pragma once" ;;
    esac
done

mapfile -t scripts < <(find CMakeLists.txt .ci protocol daemon client tests \
    -name '*.sh' -o -name CMakeLists.txt -o -name '*.cmake' -o -path .ci/run | sort)
for file in "${scripts[@]}"; do
    head -n 2 "$file" | grep -q '^# SPDX-License-Identifier: Apache-2.0$' ||
        complain "$file: no SPDX line"
done

awk '
    FNR == 1 { open = 0 }
    FNR == 701 { print FILENAME ": more than 700 lines"; bad = 1 }
    /^{/ { open = FNR }
    /^}/ && open {
        if (FNR - open > 90) {
            print FILENAME ":" open ": a function of " FNR - open " lines"
            bad = 1
        }
        open = 0
    }
    END { exit bad }' "${sources[@]}" >&2 || failed=1

# A word in backquotes with a slash in it that begins in one of our folders is a file.
# shellcheck disable=SC2016 # those of the document
for document in *.md; do
    while read -r path; do
        compgen -G "$path" >/dev/null || complain "$document: there is no $path"
    done < <(grep -oE '`(protocol|daemon|client|conf|systemd|tests)/[^` ]*`' "$document" |
        tr -d '`' | sort -u)
done

((failed == 0)) && echo "${#sources[@]} source files and ${#scripts[@]} scripts are in order"
exit "$failed"
