#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every C file must be formatted as .clang-format says. Mend it with: tests/tools/check_format.sh -i
set -euo pipefail
cd "$(dirname "$0")/../.."

mapfile -t files < <(find protocol daemon client tests -name '*.[ch]' | sort)
if [[ ${1-} == -i ]]; then
    exec clang-format-14 -i "${files[@]}"
fi
clang-format-14 --dry-run -Werror "${files[@]}"
echo "${#files[@]} files are formatted"
