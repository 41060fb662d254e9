#!/bin/sh
# Makes the README's pictures of a report: its first two pages as PNG in docs/pictures.
#   pictures.sh [REPORT.pdf]        without one, the report made by hand that the tests render
set -eu
cd "$(dirname "$0")/.."

deploy/packages.sh poppler-utils
report=${1:-}
made=""
if [ -z "$report" ]; then
    made=$(mktemp -d)
    trap 'rm -rf "$made"' EXIT
    report=$made/report.pdf
    .venv/bin/python - "$report" <<'PYTHON'
import sys
from pathlib import Path

from reporting.reports.archive import Format
from reporting.reports.rendering import renderings
from tests.reporting.reports.troubles import bad_month

Path(sys.argv[1]).write_bytes(renderings(bad_month(), [Format.PDF]).files[Format.PDF])
PYTHON
fi
mkdir -p docs/pictures
for page in 1 2; do
    pdftoppm -r 100 -f "$page" -l "$page" -singlefile -png "$report" "docs/pictures/report-$page"
done
echo "docs/pictures/report-1.png docs/pictures/report-2.png"
