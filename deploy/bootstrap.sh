#!/bin/sh
# Makes the environment in .venv, or brings it up to date: Python, locked and hashed dependencies, Slipstream itself.
# Called by make; PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
log() { echo "$*" >&2; }
fail() { log "$*"; exit 1; }

if ! command -v "$python" >/dev/null; then
    log "There is no $python on this machine."
    [ "$python" = python3 ] || exit 1
    deploy/packages.sh python3 python3-venv
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Slipstream needs Python 3.11 or newer, and $python is $version. Name another one: make PYTHON=/path/to/python3.11"

# Debian keeps the parts that make an environment in a package of their own.
"$python" -c 'import ensurepip, venv' 2>/dev/null || deploy/packages.sh "python$version-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments: its modules venv and ensurepip are missing."

# An environment of another Python, or one that has been moved, is made anew.
if ! .venv/bin/python -c "import pip, sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null ||
    ! grep -qF "$PWD/.venv" .venv/bin/activate 2>/dev/null; then
    log "Making .venv with Python $version"
    "$python" -m venv --clear .venv
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@" </dev/null; }
log "Installing $(grep -c '==' requirements.lock) locked packages; the first time takes a minute"
pip install --require-hashes --requirement requirements.lock
pip install --no-deps --no-build-isolation --editable .

missing=$(.venv/bin/python -m app.embedded.binaries)
# shellcheck disable=SC2086 # One word for each package.
[ -z "$missing" ] || deploy/packages.sh $missing

# PDF reports need a text layout engine and a font. Without them reports are written as HTML, and `slipstream doctor` says so.
deploy/packages.sh libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core ||
    log "Going on without them: reports will not be written as PDF."
