#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every C file must be formatted as .clang-format says. Mend it with: tests/tools/check_format.sh -i
#
# Versions of clang-format differ in what they make of the same rules. The tree's is Debian 12's;
# where there is another only, nothing is checked (status 77), and nothing mended.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=14

format=
for candidate in "clang-format-$version" clang-format; do
    if [[ $("$candidate" --version 2>/dev/null) == *" version $version."* ]]; then
        format=$candidate
        break
    fi
done
if [[ ! $format ]]; then
    echo "skipped: the layout is that of clang-format $version, which is not here"
    exit 77
fi

mapfile -t files < <(find protocol daemon client tests -name '*.[ch]' | sort)
if [[ ${1-} == -i ]]; then
    exec "$format" -i "${files[@]}"
fi
"$format" --dry-run -Werror "${files[@]}"
echo "${#files[@]} files are formatted"
