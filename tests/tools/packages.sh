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
    clang clang-format-14 clang-tidy libclang-rt-14-dev llvm
)

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
