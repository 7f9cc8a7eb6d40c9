#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Includes go one way: protocol <- base <- ipc <- trap, boot, watch <- io, keep <- main, and the
# client includes protocol only, its examples what is installed. Which system headers a layer may
# include is a list as well. At last the compiled state machine is asked which functions it calls:
# none of them may be a system call.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2016 # the dollars are awk's
find protocol daemon client -name '*.[ch]' -o -name '*.def' | sort | xargs awk '
    # The layer of a file of ours, "" for a file that is not ours.
    function layer_of(path) {
        if (path ~ /^protocol\/include\//) return "public"
        if (path ~ /^protocol\//) return "protocol"
        if (path ~ /^client\/examples\//) return "example"
        if (path ~ /^client\//) return "client"
        if (path ~ /^daemon\/main[^\/]*$/) return "main"
        if (path ~ /^daemon\/[^\/]*$/) return "io"
        if (path ~ /^daemon\//) {
            split(path, part, "/")
            return part[2]
        }
        return ""
    }
    function complain(text) {
        print FILENAME ":" FNR ": " text
        bad = 1
    }
    BEGIN {
        allowed["public"] = "public"
        allowed["protocol"] = "public protocol"
        allowed["base"] = allowed["protocol"] " base"
        allowed["ipc"] = allowed["base"] " ipc"
        allowed["trap"] = allowed["boot"] = allowed["watch"] = allowed["ipc"] " trap boot watch"
        allowed["io"] = allowed["keep"] = allowed["trap"] " io keep"
        allowed["main"] = allowed["io"] " main"
        allowed["client"] = "public protocol client"
        allowed["example"] = "public"

        # Layers that make no system call, and the headers that give none.
        pure = "assert errno inttypes limits stdarg stdbool stddef stdint stdio stdlib string"
        system_headers["public"] = "limits stdbool stddef stdint"
        system_headers["protocol"] = pure " msgpack stdatomic"
        system_headers["ipc"] = system_headers["trap"] = system_headers["boot"] = \
            system_headers["watch"] = system_headers["base"] = pure " sodium uthash"
    }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
        name = $0
        sub(/^[^<"]*[<"]/, "", name)
        sub(/[>"].*/, "", name)
        mine = layer_of(FILENAME)
        if (!(mine in allowed))
            complain("is in a folder that is no layer")
        if ($0 ~ /</ && (getline line < ("protocol/include/" name)) >= 0) {
            close("protocol/include/" name)
            theirs = "public"
        } else {
            theirs = layer_of(name)
            if ($0 ~ /"/ && theirs == "")
                complain("includes " name ", which is not a path from the top")
        }
        if (theirs != "") {
            if (!index(" " allowed[mine] " ", " " theirs " "))
                complain("layer " mine " includes " name " of layer " theirs)
            next
        }
        # log.c talks to journald: the one file under io that may.
        if (!(mine in system_headers) || FILENAME == "daemon/base/log.c") {
            if (name == "uv.h" && mine !~ /^(io|main|example)$/)
                complain("libuv is for io, main and examples only")
            next
        }
        # Its probes are notes and no calls.
        if (FILENAME == "daemon/ipc/ipc_probe.h" && name == "sys/sdt.h")
            next
        # uid_t and pid_t are what a token is made of.
        if (FILENAME == "protocol/include/bsm/libbsm.h" && name == "sys/types.h")
            next
        stem = name
        sub(/[.\/].*/, "", stem)
        if (!index(" " system_headers[mine] " ", " " stem " "))
            complain("layer " mine " must not include <" name ">")
    }
    END { exit bad }' >&2

# The archive is read in a plain build only: sanitizers and coverage add calls of their own.
archive=${MACHD_BUILD_DIR:-build/dev}/daemon/libmachd_core.a
if [[ -f $archive && $(nm "$archive" | grep -cE '__(asan|ubsan|gcov|llvm)') == 0 ]]; then
    ours=$(nm --defined-only "$archive" "$(dirname "$archive")/libmachd_base.a" \
        "$(dirname "$archive")/../protocol/libmachd_protocol.a" | awk 'NF == 3 { print $3 }')
    foreign=$(nm --undefined-only "$archive" | awk 'NF == 2 { print $2 }' | sort -u |
        grep -vxF "$ours" | grep -vxE \
        '(mem(cpy|set|cmp|move|chr)|str(len|nlen|cmp|ncmp|r?chr)|v?snprintf|qsort|bsearch)(_chk)?|__(memcpy|memset|memmove|v?snprintf|stack)_chk(_fail)?|__assert_fail|abort|_GLOBAL_OFFSET_TABLE_|(crypto|sodium)_.*' ||
        true)
    if [[ -n $foreign ]]; then
        printf 'the state machine calls what it must not:\n%s\n' "$foreign" >&2
        exit 1
    fi
fi
echo "includes run along the layers"
