#!/bin/sh
# Makes the README's pictures, of the product: a demo of its own, its pages in Chromium, and a report that it made.
set -eu
cd "$(dirname "$0")/.."

deploy/packages.sh chromium poppler-utils
exec .venv/bin/python deploy/pictures.py
