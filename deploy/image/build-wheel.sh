#!/bin/sh
# Builds the wheel of this source tree into DIRECTORY, with the locked maturin. Needs Python, Rust and a C compiler.
#
#   sh deploy/image/build-wheel.sh DIRECTORY
set -eu
out=$1
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps \
    --requirement "$source/deploy/image/maturin.txt"
cd "$source"
"$tools/venv/bin/maturin" build --release --locked --out "$out"
