#!/usr/bin/env bash
# Ensure that programs are installed, given as PROGRAM or PROGRAM=PACKAGE of Debian. As root, install them; otherwise print the command.
set -eu
missing=()
for wanted in "$@"; do command -v "${wanted%%=*}" >/dev/null || missing+=("${wanted##*=}"); done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need ${missing[*]}: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
apt-get update -qq >/dev/null
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
