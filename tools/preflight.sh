#!/bin/sh
# Says in one line what this machine lacks to build Coulisse; silent when nothing is missing.
# Installs nothing. PYTHON names another interpreter than python3. With `docs` as argument only Python is asked for.
set -u
missing=''
need() { missing="${missing:+$missing; }$1"; }

python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null 2>&1; then
    need "Python 3.11 or newer (Debian: python3 python3-venv; macOS: brew install python)"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    need "Python 3.11 or newer ($python is $("$python" -V 2>&1 | cut -d' ' -f2); name another with PYTHON=…)"
elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    need "ensurepip for $python (Debian: python3-venv)"
fi

say() {
    if [ -n "$missing" ]; then
        echo "coulisse: please install $missing" >&2
        exit 1
    fi
    exit 0
}
[ "${1:-}" != docs ] || say

if ! version=$(cargo --version 2>/dev/null); then
    need "Rust 1.88 or newer with cargo (rustup, the Rust installer, gives it)"
elif ! echo "$version" | awk '{ split($2, v, "."); exit !(v[1] > 1 || v[2] >= 88) }'; then
    need "cargo 1.88 or newer ($version is too old; rustup update)"
fi

command -v cc >/dev/null 2>&1 || need "a C compiler as cc (Debian: gcc; macOS: xcode-select --install)"

say
