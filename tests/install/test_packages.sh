#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the Debian packages, twice: a first version and one to upgrade to. They have what they should,
# and lintian finds no error. tests/boot/test_packages.sh installs them.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build=${MACHD_BUILD_DIR:?set by ctest}/packages
log=$build/log

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
    "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        fail "$* failed"
    }
}

export DEBFULLNAME="Some Body" DEBEMAIL=somebody@example.org
mkdir -p "$build"
rm -rf "$build"/first "$build"/second
quietly cmake -S "$source_dir" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_INSTALL_PREFIX=/usr -DMACHD_TESTS=OFF -DMACHD_PACKAGES=ON
quietly cmake --build "$build"
quietly cpack -G DEB --config "$build/CPackConfig.cmake" -B "$build/first"

# The second version differs in its number only.
mkdir "$build/second"
for deb in "$build"/first/*.deb; do
    quietly dpkg-deb --raw-extract "$deb" "$build/second/tree"
    sed -i -E '/^(Version|Depends):/s/-1(\)|$)/-2\1/' "$build/second/tree/DEBIAN/control"
    quietly dpkg-deb --root-owner-group -Znone --build "$build/second/tree" "$build/second"
    rm -r "$build/second/tree"
done

package() { find "$build/first" -maxdepth 1 -name "$1_*.deb"; }
field() { dpkg-deb -f "$(package "$1")" "$2"; }

# has PACKAGE FILE...: so they are called, and regular files are not empty.
has() {
    local files file
    files=$(dpkg-deb -c "$(package "$1")" | awk '$1 !~ /^d/ && ($1 !~ /^-/ || $3 > 0) { print $6 }')
    for file in "${@:2}"; do
        grep -qxF "./$file" <<<"$files" || fail "$1 has no $file, but: $files"
    done
}

libraries=usr/lib/$(gcc -print-multiarch)
has machd usr/bin/machd etc/machd/machd.conf usr/share/man/man8/machd.8.gz \
    usr/share/man/man5/machd.conf.5.gz usr/lib/sysusers.d/machd.conf \
    usr/lib/systemd/{system,user}/machd.{service,socket} usr/share/doc/machd/copyright \
    usr/share/doc/machd/changelog.Debian.gz usr/share/doc/machd/examples/importance.conf
has machctl usr/bin/machctl usr/share/man/man1/machctl.1.gz \
    usr/share/bash-completion/completions/machctl usr/share/zsh/vendor-completions/_machctl
has libmachclient1 "$libraries/libmachclient.so.1"
has libmachclient-dev "$libraries/libmachclient.so" "$libraries/pkgconfig/machclient.pc" \
    "$libraries/cmake/machclient/machclient-config.cmake" usr/include/machclient/mach/mach.h \
    usr/share/man/man3/{libmachclient,mach_msg}.3.gz usr/share/man/man3/mach_msg_overwrite.3.gz \
    usr/share/doc/libmachclient/examples/echo.c
[[ $(field machd Maintainer) == "$DEBFULLNAME <$DEBEMAIL>" ]] ||
    fail "the maintainer is $(field machd Maintainer)"
for name in libc6 libinih1 libsodium23 libsystemd0 libuv1; do
    # Some have another name since times have 64 bits everywhere.
    field machd Depends | grep -qwE "$name(t64)?" || fail "machd does not depend on $name"
done
[[ $(field libmachclient-dev Depends) == "libmachclient1 (= $(field libmachclient1 Version))" ]] ||
    fail "libmachclient-dev depends on $(field libmachclient-dev Depends)"
[[ $(find "$build/second" -maxdepth 1 -name '*-2_*.deb' | wc -l) == 4 ]] || fail "no second version"
echo "four packages"

if command -v lintian >/dev/null; then
    quietly lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs "$build"/first/*.deb
    echo "lintian finds no error"
fi
