#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every example of a configuration, in the manual pages and in conf/, is taken at its word: machd has
# to find it good, and each setting of the example files to be what it is without it.
set -euo pipefail
cd "$(dirname "$0")/../.."
machd=${MACHD_BUILD_DIR:-build/dev}/daemon/machd
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/services.d"
count=0

# good WHAT: machd likes what is in the scratch folder.
good() {
    "$machd" --check-config --config "$scratch/machd.conf" >"$scratch/said" 2>&1 || {
        printf '%s:\n' "$1"
        cat "$scratch/said"
        exit 1
    }
    count=$((count + 1))
    rm -f "$scratch"/machd.conf "$scratch"/services.d/*
    : >"$scratch/machd.conf"
}
: >"$scratch/machd.conf"

# examples PAGE: its literal displays, each in a file of the scratch folder.
examples() {
    rm -f "$scratch"/example-*
    awk -v into="$scratch/example-" '
        /^\.Bd -literal/ { n++; file = into n; next }
        /^\.Ed/ { file = ""; next }
        file { gsub(/\\-/, "-"); print >file }' "$1"
}

examples conf/machd-services.5
for example in "$scratch"/example-*; do
    if grep -qx '\[service\]' "$example"; then
        cp "$example" "$scratch/services.d/example.conf"
        good "an example of machd-services(5)"
    fi
done
[[ $count -ge 3 ]] || { echo "machd-services(5) has lost its examples" && exit 1; }
examples conf/machd.conf.5.in
for example in "$scratch"/example-*; do
    { echo '[filter]' && cat "$example"; } >"$scratch/machd.conf"
    good "an example of machd.conf(5)"
done

# What is commented out is a setting, or an example of one, or a text.
sed -E 's/^# ?(org\.example\.[a-z]+=|\*=)/\1/; s/^#([A-Z][A-Za-z]+=)/\1/; /^(Socket|Services)=/d' \
    conf/machd.conf >"$scratch/machd.conf"
[[ $(grep -c '^[^#[]' "$scratch/machd.conf") -gt 30 ]] || { echo "machd.conf has few keys" && exit 1; }
good "conf/machd.conf, with all that is shown"
cp conf/services.conf "$scratch/services.d/example.conf"
good "conf/services.conf"
sed -E 's/^#(Start(Command|Timeout|LimitBurst|LimitInterval)=)/\1/; s/^(StartCommand=)$/\1\/bin\/true/;
    s/^#(LookUpUsers=)/\1/' conf/services.conf >"$scratch/services.d/example.conf"
good "conf/services.conf, with a command"
echo "$count examples are good"
