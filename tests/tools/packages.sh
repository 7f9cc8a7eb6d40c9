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

# To measure others beside machd.
machd_bench_packages=(dbus-broker dbus-daemon libzmq3-dev nats-server libnats-dev)

# To test, besides those.
machd_test_packages=(
    build-essential binutils check
    clang clang-format clang-tidy libclang-rt-dev llvm mandoc
    dbus dbus-user-session file libpam-systemd lintian mount polkitd procps systemd util-linux
    tmux zsh
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

# machd_install_packages build|test|bench: install what is missing for that purpose.
machd_install_packages() {
    local -a wanted=("${machd_build_packages[@]}") missing
    [[ $1 == test ]] && wanted+=("${machd_test_packages[@]}")
    mapfile -t missing < <(machd_missing_packages "${wanted[@]}")
    ((${#missing[@]} == 0)) || machd_apt_install "${missing[@]}" || return 1
    [[ $1 != bench ]] || machd_try_rivals
}

# machd_try_rivals: install what is missing of the others, and can be installed. A server that comes
# with a service of the system is wanted as a program only: its service is stopped again.
machd_try_rivals() {
    local -a missing
    local package
    mapfile -t missing < <(machd_missing_packages "${machd_bench_packages[@]}")
    ((${#missing[@]})) || return 0
    machd_apt_install "${missing[@]}" || for package in "${missing[@]}"; do
        machd_apt_install "$package" || echo "cannot be installed: $package"
    done
    if [[ " ${missing[*]} " == *' nats-server '* && -d /run/systemd/system ]]; then
        machd_as_root systemctl disable --now nats-server || true
    fi
}

# machd_as_root command...: run it as root, or with sudo.
machd_as_root() {
    if ((EUID != 0)); then
        sudo "$@"
    else
        "$@"
    fi
}

# machd_apt_install package...: install them.
machd_apt_install() {
    local log
    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        echo "missing packages, and neither root nor sudo: $*" >&2
        return 1
    fi
    echo "installing: $*"
    log=$(mktemp)
    if machd_as_root apt-get -q update >"$log" 2>&1 &&
        machd_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            install --no-install-recommends "$@" >>"$log" 2>&1; then
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
