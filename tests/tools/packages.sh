# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/demo.sh and tests/check.sh: the Debian packages machd needs, and their
# installation. Nothing happens, and nobody is asked for a password, when all are there.
# shellcheck shell=bash

# To build and run.
machd_build_packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    libuv1-dev libmsgpack-dev libsodium-dev libsystemd-dev libinih-dev uthash-dev
    systemtap-sdt-dev
)

# To test, besides those.
machd_test_packages=(
    build-essential binutils check
    clang clang-format-14 clang-tidy libclang-rt-14-dev llvm mandoc
)

# The same for the library of 32-bit programs.
[[ $(dpkg --print-architecture) == amd64 ]] && machd_test_packages+=(gcc-multilib)

# machd_missing_packages package...: print those that are not installed.
machd_missing_packages() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

# machd_install_packages build|test: install what is missing for that purpose.
machd_install_packages() {
    local -a wanted=("${machd_build_packages[@]}") missing as_root=()
    local log
    [[ $1 == test ]] && wanted+=("${machd_test_packages[@]}")
    mapfile -t missing < <(machd_missing_packages "${wanted[@]}")
    ((${#missing[@]})) || return 0

    if ((EUID != 0)); then
        command -v sudo >/dev/null || {
            echo "missing packages, and neither root nor sudo: ${missing[*]}" >&2
            return 1
        }
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    log=$(mktemp)
    if "${as_root[@]}" apt-get -q update >"$log" 2>&1 &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            install --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    cat "$log" >&2
    rm -f "$log"
    return 1
}

# machd_unpack_i386 FOLDER: Check for i386, which 32-bit tests are linked with, in a folder of its own:
# neither the system's architectures nor its lists change. Nothing happens if it is there already.
machd_unpack_i386() {
    local folder archive log status=0
    local -a options
    [[ -e $1/usr/lib/i386-linux-gnu/libcheck.a ]] && return 0
    mkdir -p "$1/lists/partial" "$1/archives/partial"
    folder=$(cd "$1" && pwd)
    log=$(mktemp)
    options=(
        -q -o APT::Architecture=i386 -o APT::Architectures=i386 -o APT::Sandbox::User=root
        -o Dir::State::lists="$folder/lists" -o Dir::State::status=/dev/null
        -o Dir::Cache="$folder" -o Acquire::Languages=none
    )
    # A list that cannot be fetched is no harm if the package is in another.
    apt-get "${options[@]}" update >"$log" 2>&1 || true
    (cd "$folder/archives" && apt-get "${options[@]}" download check libsubunit-dev) \
        >>"$log" 2>&1 || status=1
    for archive in "$folder"/archives/*.deb; do
        ((status)) || dpkg-deb -x "$archive" "$folder" || status=1
    done
    rm -rf "$folder/lists" "$folder/archives"
    ((status == 0)) || cat "$log" >&2
    rm -f "$log"
    return "$status"
}
