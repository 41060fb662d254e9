"""Computes the report of an order: what the archive asks of `figures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from app.domain.calendar import UnknownPeriodError, UnknownZoneError
from reporting.reports.archive import ReportError
from reporting.reports.figures.periods import read_period
from reporting.reports.figures.scoping import UnknownScopeError

if TYPE_CHECKING:
    from datetime import datetime

    from reporting.reports.archive import Compile, ReportOrder
    from reporting.reports.figures.compiler import Compiler
    from reporting.reports.model import Report


def compile_by(compiler: Compiler) -> Compile:
    """Return what computes the report of an order."""

    def compile_report(order: ReportOrder, now: datetime, first: Report | None = None) -> Report:
        try:
            period = read_period(order.period, order.timezone, now, order.kind)
            report = compiler.compile(period, order.scope, now, first)
        except (UnknownPeriodError, UnknownScopeError, UnknownZoneError) as error:
            raise ReportError(str(error)) from error
        return replace(report, report_id=order.report_id)

    return compile_report
