#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that can be checked, in one command: installs what is missing, builds with gcc and
# clang with warnings as errors, runs all tests, and all of them again under ASan, LSan and UBSan.
#
#   tests/check.sh
#
# The builds stay in build/, so a second run is fast. Exit status 0 only if everything passed.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
jobs=$(nproc)

# Whoever is started from here carries this in its environment, and must be gone in the end.
export MACHD_CHECK_RUN=$$-$RANDOM

log=$(mktemp)

# Ends what is left of what was started from here, and says so; fails if there was anything.
nothing_left() {
    local environment pid status=0
    for environment in /proc/[0-9]*/environ; do
        pid=${environment#/proc/}
        pid=${pid%/environ}
        if ((pid == $$)) || ! grep -qsFz "MACHD_CHECK_RUN=$MACHD_CHECK_RUN" "$environment"; then
            continue
        fi
        echo "still running: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")" >&2
        kill -KILL "$pid" || true
        status=1
    done
    return "$status"
}

finish() {
    local status=$?
    trap - EXIT
    nothing_left || ((status)) || status=1
    rm -f "$log"
    exit "$status"
}
trap finish EXIT

heading() { printf '\n== %s\n' "$*"; }

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
    "$@" >"$log" 2>&1 || {
        local status=$?
        cat "$log" >&2
        return "$status"
    }
}

build() {
    quietly cmake --preset "$1"
    quietly cmake --build --preset "$1" -j "$jobs"
}

# run_tests PRESET ARGUMENT...
run_tests() {
    ctest --preset "$1" -j "$jobs" --no-label-summary "${@:2}" |
        grep --line-buffered -vE '^ +Start +[0-9]+:|^Total Test time'
}

tidy() {
    find protocol daemon client -name '*.c' -print0 | sort -z |
        xargs -0 -n 4 -P "$jobs" clang-tidy -p build/clang --quiet 2>/dev/null
}

# The same inputs each time, so that what passes today passes tomorrow.
fuzz() {
    local folder=build/fuzz/tests/fuzz target
    for target in hello config services frame inflate recipe record ring board watch client trace; do
        rm -rf "$folder/corpus"
        mkdir "$folder/corpus"
        quietly "$folder/fuzz_$target" -seed=1 -runs=20000 -artifact_prefix="$folder/$target-" \
            "$folder/corpus" "$folder/seeds"
        echo "$target: 20,000 inputs"
    done
}

heading "Packages"
# shellcheck source=tests/tools/packages.sh
source tests/tools/packages.sh
machd_install_packages test
machd_install_packages bench
echo "all there"

heading "gcc, warnings are errors: all tests"
build dev
run_tests dev

heading "gcc -m32: the library for 32-bit programs, with the daemon just built"
if [[ $(dpkg --print-architecture) == amd64 ]]; then
    machd_unpack_i386 build/i386
    build m32
    run_tests m32
else
    echo "skipped: only an amd64 machine builds and runs both"
fi

heading "clang, warnings are errors: build and clang-tidy"
build clang
quietly tidy
echo "no complaints"

heading "libFuzzer, a fixed number of inputs"
build fuzz
fuzz

heading "Lines run by the tests inside the state machine"
build coverage
find build/coverage -name '*.gcda' -delete
quietly run_tests coverage -L 'unit|model|fuzz'
tests/tools/coverage.sh build/coverage daemon/ipc 90

heading "The demo"
quietly tests/demo.sh
echo "all it claims is true"

heading "AddressSanitizer, LeakSanitizer, UBSan: all tests"
build asan
run_tests asan >"$log" || {
    cat "$log"
    exit 1
}

nothing_left
cat "$log"
