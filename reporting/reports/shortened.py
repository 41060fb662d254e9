"""Tables on pages are as long as somebody reads: the rows that matter most, and all others as one. CSV and JSON have more."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from reporting.reports.model import Account, Route, Tally
from reporting.slo.exact import quotient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.reports.model import Report

MOST = 20
"""Rows of a table that have a line of their own."""


class Accounts(NamedTuple):
    rows: Sequence[Account]
    others: Account | None


class Routes(NamedTuple):
    """`others` has counts alone: percentiles do not add up."""

    rows: Sequence[Route]
    others: Route | None


def accounts(report: Report) -> Accounts:
    """Return the largest accounts, and all others together."""
    rows, left = report.accounts[:MOST], report.accounts[MOST:]
    if not left:
        return Accounts(rows, report.other_accounts)
    others = [*left, *([report.other_accounts] if report.other_accounts else [])]
    counted = ("requests", "events", "bad", "limited", "refused", "breaker_opened", "quota_notices")
    sums = {name: sum(getattr(each, name) for each in others) for name in counted}
    known = [each.share for each in others if each.share is not None]
    share = sum(known, Decimal(0)) if known else None
    return Accounts(rows, Account(account_id="", name="all others", tier="", share=share, **sums))


def routes(report: Report) -> Routes:
    """Return the routes with the most bad requests, and of those with equally many the busiest, in the report's order."""
    chosen = set(sorted(range(len(report.routes)), key=lambda number: _weight(report.routes[number]))[:MOST])
    left = [route for number, route in enumerate(report.routes) if number not in chosen]
    rows = [route for number, route in enumerate(report.routes) if number in chosen]
    return Routes(rows, _together(left) if left else None)


def _weight(route: Route) -> tuple[int, int]:
    return -route.requests.bad, -route.requests.total


def _together(left: Sequence[Route]) -> Route:
    good, total = (sum(getattr(each.requests, name) for each in left) for name in ("good", "total"))
    return Route(
        service="",
        method="",
        route=f"{len(left)} others",
        requests=Tally(good=good, bad=total - good, total=total, sli=quotient(good, total) if total else None),
        limited=sum(each.limited for each in left),
        p50_ms=None,
        p95_ms=None,
        p99_ms=None,
        previous_sli=None,
        previous_p99_ms=None,
    )
