"""Tables as CSV that no spreadsheet takes for a formula: UTF-8, RFC 4180."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from reporting.reports.tables import tables
from reporting.wording import legible

if TYPE_CHECKING:
    from reporting.reports.model import Report
    from reporting.reports.tables import Cell, Table

_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What spreadsheets begin a formula with, full-width forms too (OWASP, CSV injection)."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of files in an archive: the earliest there is, so that the same report is the same archive."""
_READABLE = 0o644 << 16


def csv_text(table: Table) -> bytes:
    """Return a table as CSV, with a header; an unknown value is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.header)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return text.getvalue().encode()


def csv_archive(report: Report) -> bytes:
    """Return a zip with a file for each table of a report."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for table in tables(report):
            entry = zipfile.ZipInfo(f"{report.report_id}/{table.name}.csv", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE
            files.writestr(entry, csv_text(table))
    return archive.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str):
        text = legible(value)
        # Blanks in front do not keep a spreadsheet from reading a formula.
        return f"'{text}" if text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA else text
    return str(value)
