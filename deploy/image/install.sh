#!/bin/sh
# Makes PREFIX, a virtual environment without pip, of the one wheel in WHEELS and the packages that LOCK names by hash.
#
#   sh deploy/image/install.sh PREFIX WHEELS LOCK
set -eu
prefix=$1 wheels=$2 lock=$3
python=${PYTHON:-python3}
"$python" -m venv --without-pip "$prefix"
install_into() {
    "$python" -m pip --python "$prefix/bin/python" install --quiet --disable-pip-version-check --no-compile "$@"
}
install_into --require-hashes --no-deps --only-binary :all: --requirement "$lock"
install_into --no-deps --no-index "$wheels"/coulisse-*.whl
# The root is read-only where it runs: what is compiled later would be compiled at each start.
"$prefix/bin/python" -m compileall -q "$prefix/lib"
"$prefix/bin/coulisse" --version
