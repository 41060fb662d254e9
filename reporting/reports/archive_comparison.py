"""Two reports side by side: what has changed from one period to the other, of the whole and of each promise."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from reporting.reports.model import Period, Scope, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reporting.reports.model import Overview, Promise, Report

Figure = int | Decimal | None


class ComparedReport(Struct, frozen=True, kw_only=True):
    """Which report it is."""

    report_id: str
    title: str
    scope: Scope
    period: Period


class Change(Struct, frozen=True, kw_only=True):
    """A figure in the earlier report and in the later; `change` is None where either is not known."""

    figure: str
    before: Figure
    after: Figure
    change: Figure


class PromiseChange(Struct, frozen=True, kw_only=True):
    """A promise in both reports; its standing is None in the one that does not have it."""

    slo: str
    name: str
    service: str
    standing_before: Standing | None
    standing_after: Standing | None
    changes: tuple[Change, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """From `before` to `after`. Promises are in the order of `after`, then those that it no longer has."""

    before: ComparedReport
    after: ComparedReport
    overview: tuple[Change, ...]
    promises: tuple[PromiseChange, ...]


def compare(before: Report, after: Report) -> Comparison:
    """Return what has changed from one report to another."""
    earlier = {promise.slo: promise for promise in before.promises}
    later = {promise.slo: promise for promise in after.promises}
    pairs = [(earlier.get(slo), later.get(slo)) for slo in dict.fromkeys((*later, *earlier))]
    return Comparison(
        before=_named(before),
        after=_named(after),
        overview=_changes(dict(_of_overview(before.overview)), dict(_of_overview(after.overview))),
        promises=tuple(_promise(*pair) for pair in pairs),
    )


def _named(report: Report) -> ComparedReport:
    return ComparedReport(report_id=report.report_id, title=report.title, scope=report.scope, period=report.period)


def _promise(before: Promise | None, after: Promise | None) -> PromiseChange:
    known = after or before
    if known is None:
        raise ValueError("a promise is in one of both reports")
    return PromiseChange(
        slo=known.slo,
        name=known.name,
        service=known.service,
        standing_before=None if before is None else before.standing,
        standing_after=None if after is None else after.standing,
        changes=_changes(dict(_of_promise(before)), dict(_of_promise(after))),
    )


def _changes(before: dict[str, Figure], after: dict[str, Figure]) -> tuple[Change, ...]:
    return tuple(
        Change(
            figure=figure,
            before=before.get(figure),
            after=after.get(figure),
            change=_difference(before.get(figure), after.get(figure)),
        )
        for figure in dict.fromkeys((*after, *before))
    )


def _difference(before: Figure, after: Figure) -> Figure:
    return None if before is None or after is None else after - before


def _of_overview(overview: Overview) -> Iterator[tuple[str, Figure]]:
    yield "requests", overview.requests.total
    yield "bad", overview.requests.bad
    yield "limited", overview.limited
    yield "sli", overview.requests.sli
    yield "p50_ms", overview.p50_ms
    yield "p95_ms", overview.p95_ms
    yield "p99_ms", overview.p99_ms
    yield "budget_remaining_ratio", overview.budget_remaining_ratio
    yield "incidents", overview.incidents
    yield "incident_minutes", overview.incident_minutes


def _of_promise(promise: Promise | None) -> Iterator[tuple[str, Figure]]:
    if promise is None:
        return
    yield "target", promise.target
    yield "total", promise.tally.total
    yield "bad", promise.tally.bad
    yield "sli", promise.tally.sli
    yield "allowed", promise.allowed
    yield "consumed", promise.consumed
    yield "remaining_ratio", promise.remaining_ratio
    yield "p99_ms", promise.p99_ms
