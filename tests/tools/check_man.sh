#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual: mandoc has nothing to say about a page, every symbol of the library has one, every key of
# machctl's JSON and of machd.conf is explained, pages that pages name exist, prototypes are those of the
# headers, and so are constants.
set -euo pipefail
cd "$(dirname "$0")/../.."
man=${MACHD_BUILD_DIR:-build/dev}/man
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

complain() {
    printf '%s\n' "$*" >&2
    failed=1
}

# Pages of others that ours may name.
foreign=' cc.1 clock_gettime.2 dup.2 epoll.7 eventfd.2 execve.2 fork.2 kill.2 memfd_create.2 mmap.2 nanosleep.2
    mprotect.2 pkg-config.1 poll.2 process_vm_readv.2 pthreads.7 seccomp.2 sd_notify.3 sigaction.2 signal.7 strerror.3
    systemd.service.5 systemd.socket.5 systemd.unit.5 unix.7 '

mapfile -t pages < <(find "$man" -type f -exec grep -L '^\.so ' {} + | sort)
((${#pages[@]} > 0)) || complain "there are no pages in $man"
for page in "${pages[@]}"; do
    head -n 1 "$page" | grep -qF '.\" SPDX-License-Identifier: Apache-2.0' ||
        complain "$page: no SPDX line"
    while read -r name; do
        section=${name##*.}
        [[ -e $man/man$section/$name || $foreign == *[[:space:]]"$name"[[:space:]]* ]] ||
            complain "$page: there is no $name to see"
    done < <(sed -nE 's/^\.Xr ([^ ]+) ([0-9]).*/\1.\2/p' "$page" | sort -u)
done

if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "${pages[@]}" >"$scratch/lint" 2>&1 || true
    [[ ! -s $scratch/lint ]] || complain "$(cat "$scratch/lint")"
else
    echo "there is no mandoc here: nobody has looked at the language of the pages"
fi

# What pages are about.
while read -r symbol; do
    [[ -e $man/man3/$symbol.3 ]] || complain "client/libmachclient.map: $symbol has no page"
done < <(sed -n '/^global:/,/^local:/s/^\t\([A-Za-z_0-9]*\);$/\1/p' client/libmachclient.map)
for page in "$man"/man3/*.3; do
    name=$(basename "$page" .3)
    [[ $name == machclient ]] || grep -qr -- "\<$name" protocol/include ||
        complain "$page: no header knows $name"
done

# explained PAGE WORD...: every word is on the page.
explained() {
    local word
    for word in "${@:2}"; do
        grep -qE -- "(^|[ .])$word( |,|\$)" "$man/$1" || complain "$1 does not explain $word"
    done
}

if [[ -x ${MACHCTL_BINARY:-} ]]; then
    for command in ps ports port queues limits why graph leaks metrics top names policy trace; do
        keys=$("$MACHCTL_BINARY" "$command" --help | tr '\n{}' '   ' |
            sed -E 's/.*--json: ([^.]*: )?([^.]*)\..*/\2/')
        # shellcheck disable=SC2086 # several words
        explained man1/machctl.1 $keys
    done
fi
# shellcheck disable=SC2046 # several words
explained man5/machd.conf.5 $(sed -nE 's/^#([A-Z][A-Za-z]+)=.*/\1/p' conf/machd.conf)
# shellcheck disable=SC2046 # several words
explained man5/machd-services.5 $(sed -nE 's/^#?([A-Z][A-Za-z]+)=.*/\1/p' conf/services.conf)

# declarations PAGE: its SYNOPSIS as C. A name in parentheses is not taken for a macro.
declarations() {
    awk '
        /^\.Sh / { synopsis = $2 == "SYNOPSIS"; next }
        !synopsis { next }
        /^\.In / { print "#include <" $2 ">" }
        /^\.Ft / { sub(/^\.Ft /, ""); gsub(/"/, ""); type = $0 }
        /^\.Fo / { line = type " (" $2 ")("; comma = "" }
        /^\.Fa / { sub(/^\.Fa /, ""); gsub(/"/, ""); line = line comma $0; comma = ", " }
        /^\.Fc/ { print line ");" }
        /^\.Fn / {
            sub(/^\.Fn /, "")
            name = $1
            sub(/^[^ ]+ ?/, "")
            gsub(/" "/, ", ")
            gsub(/"/, "")
            print type " (" name ")(" $0 ");"
        }' "$1"
}

{
    (cd protocol/include && find . -name '*.h' | sed 's,^\./\(.*\),#include <\1>,')
    echo 'void constants(void);'
    echo 'void constants(void) {'
    sed -nE 's/^(\.It |\.)?(.* )?Dv ([A-Z][A-Z0-9_]+).*/\3/p' "$man"/man3/*.3 |
        grep -E '^(KERN|MACH|MACHD|MIG|BOOTSTRAP|MPO|MPG|VM|TASK|MK|SYNC)_' | sort -u |
        sed 's/.*/\t(void)(&);/'
    echo '}'
} >"$scratch/constants.c"
for page in "${pages[@]}"; do
    [[ $page == *.3 ]] || continue
    declarations "$page" >"$scratch/$(basename "$page").c"
done
for source in "$scratch"/*.c; do
    gcc -std=gnu11 -fsyntax-only -Iprotocol/include "$source" 2>"$scratch/log" ||
        complain "$(basename "$source" .c): $(cat "$scratch/log")"
done

((failed == 0)) && echo "${#pages[@]} pages are in order"
exit "$failed"
