#!/bin/sh
# Builds the wheel of this source tree into DIRECTORY, with the locked maturin. Needs Python, Rust and a C compiler.
# The image and `make wheel` both build by this; MATURIN names one that is installed already.
#
#   sh deploy/image/build-wheel.sh DIRECTORY
set -eu
out=$1
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
if [ -z "${MATURIN:-}" ]; then
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    "${PYTHON:-python3}" -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps \
        --requirement "$source/deploy/image/maturin.txt"
    MATURIN=$tools/venv/bin/maturin
fi
# Another folder than the caller's: a relative DIRECTORY is meant from there.
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
cd "$source"
"$MATURIN" build --release --locked --out "$out"
