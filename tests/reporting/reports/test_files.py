"""CSV and JSON of a report: for spreadsheets that trust too much, and for programs that compare."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs
import msgspec
import pytest

from reporting.reports.as_csv import csv_archive, csv_text
from reporting.reports.as_json import from_json, json_schema, schema_text, to_json
from reporting.reports.tables import Table, tables
from tests.reporting.reports.hostile import HOSTILE, big_month, hostile_month
from tests.reporting.reports.sample import empty_month, good_month, short_week
from tests.reporting.reports.troubles import bad_month

if TYPE_CHECKING:
    from collections.abc import Callable

    from reporting.reports.model import Report

REPORTS = [good_month, bad_month, short_week, empty_month, hostile_month, big_month]
PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "report.schema.json"


def rows(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))


@pytest.mark.parametrize("text", [*HOSTILE, "\uff1d1+1", "  =1+1", "\n@x"])
def test_no_name_is_a_formula_to_a_spreadsheet(text: str) -> None:
    _, [cell] = rows(csv_text(Table(name="names", header=("name",), rows=((text,),))))

    assert cell.lstrip()[:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20")
    assert cell[:1] not in set("\t\r\n")
    assert not set("\x00\x1b\u202e") & set(cell)


def test_numbers_below_zero_stay_numbers() -> None:
    _, cells = rows(csv_text(Table(name="x", header=("a", "b"), rows=((-3, Decimal("-0.00000135")),))))

    assert cells == ["-3", "-0.00000135"]


def test_values_are_written_as_machines_read_them() -> None:
    values = (
        None,
        True,
        False,
        datetime(2026, 10, 31, 23, tzinfo=UTC),
        datetime(2026, 10, 5, tzinfo=UTC).date(),
        'a "b", c',
    )
    text = csv_text(Table(name="x", header=tuple("abcdef"), rows=(values,)))

    assert text == b'a,b,c,d,e,f\r\n,true,false,2026-10-31T23:00:00Z,2026-10-05,"a ""b"", c"\r\n'


@pytest.mark.parametrize("made", REPORTS)
def test_every_row_has_a_cell_for_every_column(made: Callable[[], Report]) -> None:
    for table in tables(made()):
        assert table.header
        assert {len(row) for row in table.rows} <= {len(table.header)}


def test_tables_hold_every_row_of_the_report() -> None:
    month = big_month()
    counts = {table.name: len(table.rows) for table in tables(month)}

    assert counts["promises"] == len(month.promises) == 14
    assert counts["incidents"] == 50
    assert counts["contributors"] == 200
    assert counts["accounts"] == 51
    assert counts["days"] == 31


def test_an_archive_has_the_same_files_for_every_report() -> None:
    names = [
        [Path(name).name for name in zipfile.ZipFile(io.BytesIO(csv_archive(made()))).namelist()]
        for made in (bad_month, empty_month)
    ]

    assert names[0] == names[1]
    assert "promises.csv" in names[0]
    assert csv_archive(bad_month()) == csv_archive(bad_month())


@pytest.mark.parametrize("made", REPORTS)
def test_json_comes_back_as_the_same_report_and_follows_the_schema(made: Callable[[], Report]) -> None:
    text = to_json(made())

    assert from_json(text) == made()
    jsonschema_rs.validator_for(json_schema()).validate(msgspec.json.decode(text))


def test_figures_keep_all_their_digits_in_json() -> None:
    assert '"sli": "0.9976416' in to_json(bad_month()).decode()


def test_the_published_schema_is_that_of_the_code() -> None:
    assert PUBLISHED.read_bytes() == schema_text()  # Else: make docs.
