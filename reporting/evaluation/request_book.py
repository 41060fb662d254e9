"""Sums of requests for many measures at once: every row is read once, and counted for all that it concerns."""

from __future__ import annotations

from array import array
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from reporting.evaluation import request_store
from reporting.evaluation.request_filter import named, passes, take_of
from reporting.evaluation.request_store import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from reporting.evaluation.measure import Measure
    from reporting.evaluation.request_filter import RequestRow, Take
    from reporting.evaluation.tiles import Tile


class _Share(NamedTuple):
    """What of a row counts for a measure: in total, and of the part (None: nothing)."""

    slot: int
    total: Take
    part: Take | None
    measure: Measure


class RequestBook:
    """See `Book`. Not thread-safe."""

    undecided = timedelta(0)

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures = measures
        self._shares: dict[tuple[object, ...], tuple[_Share, ...]] = {}
        self._scopes = scopes_of(measures)

    def concerned(self, scope: str) -> Sequence[Measure]:
        services = [(measure, scope_of(measure).services) for measure in self.measures]
        return [measure for measure, named_ones in services if named_ones is None or scope in named_ones]

    def load(self, connection: Connection, tiles: Iterable[Tile], *, now: datetime) -> dict[Tile, array[int]]:  # noqa: ARG002 - See `Book`; requests count as soon as they end.
        wanted = list(tiles)
        sums: dict[Tile, array[int]] = {}
        empty = array("q", bytes(16 * len(self.measures)))
        for number, (scope, slots, histograms) in enumerate(self._scopes):
            for tile, row in request_store.rows(connection, scope, wanted, histograms=histograms):
                shares = self._shares_of(number, slots, row)
                if shares:
                    sum_of = sums.get(tile)
                    if sum_of is None:
                        sum_of = sums[tile] = empty[:]
                    _count(row, shares, sum_of)
        return sums

    def _shares_of(self, scope: int, slots: Sequence[int], row: RequestRow) -> tuple[_Share, ...]:
        key = (scope, *row[1:8])
        shares = self._shares.get(key)
        if shares is None:
            properties = properties_of(row)
            shares = self._shares[key] = tuple(
                _share(slot, self.measures[slot], properties)
                for slot in slots
                if passes(self.measures[slot].total, properties)
            )
        return shares


def properties_of(row: RequestRow) -> dict[str, object]:
    """Return what filters ask of a row, but for the duration."""
    return {
        "account_id": row.account_id,
        "service": row.service,
        "route": row.route,
        "method": row.method,
        "tier": row.tier,
        "status": row.status,
        "reason": row.reason,
    }


def scope_of(measure: Measure) -> Scope:
    """Return whose rows a measure needs. Its part is a subset of the total, so that is of the same."""
    return Scope(named(measure.total, "service"), named(measure.total, "account_id"))


def _count(row: RequestRow, shares: Iterable[_Share], sums: array[int]) -> None:
    taken: dict[Take, int] = {}
    for slot, total_take, part_take, measure in shares:
        total = taken.get(total_take)
        if total is None:
            total = taken[total_take] = total_take.of(row)
        part = 0
        if part_take is not None:
            found = taken.get(part_take)
            if found is None:
                found = taken[part_take] = part_take.of(row)
            part = found
        sums[2 * slot] += measure.good(part, total)
        sums[2 * slot + 1] += total


def _share(slot: int, measure: Measure, properties: dict[str, object]) -> _Share:
    part = take_of(measure.part, measured=measure.measures_duration) if passes(measure.part, properties) else None
    return _Share(slot, take_of(measure.total, measured=measure.measures_duration), part, measure)


def scopes_of(measures: Sequence[Measure]) -> list[tuple[Scope, tuple[int, ...], bool]]:
    """Group measures by the rows they need: scopes, the measures of each, and whether these need histograms."""
    services: list[int] = []
    accounts: list[int] = []
    for slot, measure in enumerate(measures):
        (services if scope_of(measure).accounts is None else accounts).append(slot)
    found = []
    for slots in (services, accounts):
        if slots:
            scopes = [scope_of(measures[slot]) for slot in slots]
            scope = Scope(_union(scope.services for scope in scopes), _union(scope.accounts for scope in scopes))
            found.append((scope, tuple(slots), any(measures[slot].measures_duration for slot in slots)))
    return found


def _union(parts: Iterable[Collection[str] | None]) -> frozenset[str] | None:
    """Return what any of them names; None when one of them is open."""
    union: set[str] = set()
    for part in parts:
        if part is None:
            return None
        union.update(part)
    return frozenset(union)
