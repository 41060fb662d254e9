"""Which accounts have the bad requests of an SLO: a few by name, all others as one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.filters import Source
from reporting import slo_accounts_store
from reporting.evaluation import request_store
from reporting.evaluation.measure import measure_of
from reporting.evaluation.request_book import properties_of, scope_of
from reporting.evaluation.request_filter import passes
from reporting.evaluation.tiles import tiles_of
from reporting.slo_history import Part, bad_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.database import Database
    from reporting.definitions.definition import Definition
    from reporting.evaluation.measure import Measure
    from reporting.evaluation.request_filter import RequestRow
    from reporting.slo_history import Span

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class AccountShares:
    """The accounts with the most bad requests, all others of which one is bad, and what no account is known of.

    `hurt` is how many accounts have a bad one.
    """

    named: tuple[Part, ...]
    others: Part
    unknown: Part
    hurt: int


class SLOAccounts:
    """Thread-safe. Raises `DependencyError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, definition: Definition, span: Span) -> AccountShares | None:
        """Return the shares of a span; None for an SLO that does not count requests."""
        measure = measure_of(definition.indicator)
        if measure.source is not Source.REQUESTS:
            return None
        scope, tiles = scope_of(measure), set(tiles_of(*span))
        histograms = measure.measures_duration
        with self._database.begin(snapshot=True) as connection:
            found = request_store.rows(connection, scope, tiles, histograms=histograms)
            everything = _counted(measure, (row for _, row in found))
            accounts = _counted(measure, slo_accounts_store.rows(connection, scope, tiles, histograms=histograms))
        return _shares(sum(each["bad"] for each in everything.values()), accounts)


def _counted(measure: Measure, rows: Iterable[RequestRow]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {}
    for row in rows:
        if passes(measure.total, properties_of(row)):
            bad, total = bad_of(measure, row)
            counted.setdefault(row.account_id, Counter()).update(bad=bad, total=total)
    return counted


def _shares(bad: int, accounts: dict[str, Counter[str]]) -> AccountShares:
    hurt = [Part(name, each["bad"], each["total"]) for name, each in accounts.items() if each["bad"]]
    hurt.sort(key=lambda part: (-part.bad, part.name))
    named, rest = hurt[:MOST_NAMED], hurt[MOST_NAMED:]
    others = Part(f"{len(rest)} others", sum(each.bad for each in rest), sum(each.total for each in rest))
    known = sum(each.bad for each in hurt)
    return AccountShares(tuple(named), others, Part("No account known", max(0, bad - known), 0), len(hurt))
