#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs to a prefix of its own and lives there as a user would: the first program of README.md is
# built with pkg-config and with find_package, and runs against the installed daemon. The library
# exports what its map says, no more and no less.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${MACHD_BUILD_DIR:?set by ctest}
scratch=$(mktemp -d)
prefix=$scratch/prefix
daemon=

finish() {
    [[ -z $daemon ]] || kill -KILL "$daemon" || true
    rm -rf "$scratch"
}
trap finish EXIT

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

installed() {
    local file
    file=$(find "$prefix" -path "$prefix/$1")
    [[ -n $file ]] || fail "not installed: $1"
    printf '%s\n' "$file"
}

cmake --install "$build_dir" --prefix "$scratch/first" >/dev/null
# It must work wherever it is moved to.
mv "$scratch/first" "$prefix"

machd=$(installed bin/machd)
machctl=$(installed bin/machctl)
library=$(installed 'lib*/libmachclient.so.1')
config=$(installed 'lib*/cmake/machclient/machclient-config.cmake')
pc=$(installed 'lib*/pkgconfig/machclient.pc')
installed include/machclient/mach/mach.h >/dev/null
installed include/machclient/servers/bootstrap.h >/dev/null
installed share/man/man8/machd.8 >/dev/null
installed share/man/man3/mach_msg_overwrite.3 >/dev/null
! grep -rlE "$source_dir|$build_dir" "$prefix/include" "$(dirname "$config")" "$pc" ||
    fail "an installed file names the build"

# What the map lists, against what the library has.
sed -n '/global:/,/local:/p' "$source_dir/client/libmachclient.map" | tr -c 'A-Za-z0-9_' '\n' |
    grep -vxE 'global|local|' | sort >"$scratch/listed"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    sort >"$scratch/exported"
diff -u "$scratch/listed" "$scratch/exported" >&2 || fail "libmachclient.map and library differ"
[[ $(readelf -d "$library") == *"soname: [libmachclient.so.1]"* ]] || fail "no soname"

# The first program, as the README says to build it.
# shellcheck disable=SC2016 # no dollar is meant here
sed -n '/^```c$/,/^```$/p' "$source_dir/README.md" | sed '1d;/^```$/,$d' >"$scratch/first.c"
grep -q 'int main' "$scratch/first.c" || fail "README.md has no program"
export PKG_CONFIG_PATH=${pc%/*}
# shellcheck disable=SC2046 # several words are meant
cc -Wall -Wextra -Werror -o "$scratch/with_pc" "$scratch/first.c" \
    $(pkg-config --cflags --libs machclient)
cmake -S "$source_dir/tests/install/consumer" -B "$scratch/consumer" \
    -DCONSUMER_SOURCE="$scratch/first.c" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$scratch/consumer" >/dev/null

# And run both, against the daemon that was installed.
export LD_LIBRARY_PATH=${library%/*} MACHD_SOCKET=$scratch/machd.sock
mkfifo "$scratch/ready"
"$machd" --foreground --socket "$MACHD_SOCKET" --ready-fd 3 3>"$scratch/ready" \
    2>"$scratch/log" &
daemon=$!
read -r -N 1 -t 30 _ <"$scratch/ready" || fail "machd did not start: $(cat "$scratch/log")"
for program in "$scratch/with_pc" "$scratch/consumer/consumer"; do
    "$program" >"$scratch/said" || fail "the first program failed: $(cat "$scratch/said")"
    grep -q 'hello' "$scratch/said" || fail "the first program said: $(cat "$scratch/said")"
done

# Programs written for Mach's headers: linked, and each does what it is there for.
for source in client_server notify clocks tasks mig_server; do
    more=()
    [[ $source != mig_server ]] || more=("$source_dir/tests/sources/mig_user.c")
    # shellcheck disable=SC2046 # several words are meant
    cc -o "$scratch/$source" "$source_dir/tests/sources/$source.c" "${more[@]}" \
        $(pkg-config --cflags --libs machclient)
    "$scratch/$source" >"$scratch/said" || fail "$source failed: $(cat "$scratch/said")"
done

# The examples, as their README says to build them.
examples=$(dirname "$(installed share/doc/libmachclient/examples/README.md)")
for example in "$examples"/*.c; do
    name=$(basename "$example" .c)
    packages=(machclient)
    [[ $name != loop ]] || packages+=(libuv)
    # shellcheck disable=SC2046 # several words are meant
    cc -Wall -Wextra -Werror -o "$scratch/$name" "$example" \
        $(pkg-config --cflags --libs "${packages[@]}") || fail "$name.c is not compiled"
done
"$source_dir/tests/examples/check.sh" "$scratch" || fail "an example failed"
"$machctl" ps >/dev/null || fail "machctl ps failed"
kill "$daemon"
wait "$daemon" || fail "machd ended with status $?"
daemon=
echo "installed, built against and run"
