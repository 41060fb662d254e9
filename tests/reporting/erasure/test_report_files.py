"""Archived reports are made again one after the other, so that a run can end between two of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from reporting.erasure.report_files import EraseFromReports
from reporting.reports import archive_store
from reporting.reports.archive import MODEL, Format, Paper, Rendered, ReportOrder, encode_model, file_name
from reporting.reports.model import Kind
from tests.core.erasure.begun import begun
from tests.reporting.reports.sample import accounts, good_month

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.reports.model import Report

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PERIODS = ("2026-07", "2026-08", "2026-09")
FILE = file_name(Format.JSON, Paper.A4)


def archive(connection: Connection, period: str) -> None:
    order = ReportOrder(kind=Kind.MONTHLY, period=period, timezone="UTC")
    report = msgspec.structs.replace(good_month(), report_id=order.report_id, accounts=accounts(3))
    archive_store.add(connection, order, revision=1, paper=Paper.A4, by="mallory", now=NOW)
    archived = archive_store.latest(connection, order.report_id)
    assert archived is not None
    archive_store.save_files(connection, archived, {MODEL: encode_model(report), FILE: b"{}"}.items())


def test_a_report_is_made_again_only_when_somebody_goes_on(database: Database) -> None:
    named = accounts(1)[0]
    erasure = begun(named.account_id, named.name)
    rendered: list[str] = []

    def render(report: Report, formats: Sequence[Format], paper: Paper) -> Rendered:
        rendered.append(report.report_id)
        assert paper is Paper.A4
        return Rendered(files=dict.fromkeys(formats, b"[]"), missing={})

    with database.begin() as connection:
        for period in PERIODS:
            archive(connection, period)

    reports = EraseFromReports(database, render)(erasure, NOW)

    assert next(reports) == {"report_files": 2}
    assert len(rendered) == 1
    assert list(reports) == [{"report_files": 2}] * 2
    assert len(rendered) == len(PERIODS)
    assert list(EraseFromReports(database, render)(erasure, NOW)) == [{"report_files": 0}] * 3
