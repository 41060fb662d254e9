"""Filters over requests, taken apart: what is the same for all requests of a row, and where its histogram is cut."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from app.core.telemetry.dead_processes import DIED_REASON, DIED_STATUS
from app.domain.filters import threshold_us
from app.domain.histogram import first_bucket_from
from app.domain.predicates import Compared, Equal, OneOf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.domain.filters import Filter
    from app.domain.predicates import Predicate

DURATION = "duration_ms"


class RequestRow(NamedTuple):
    """Requests of some minutes with the same properties; `buckets` ascend. The account is empty in counts of a service."""

    start: int
    account_id: str
    service: str
    route: str
    method: str
    tier: str
    status: int
    reason: str
    requests: int
    buckets: Sequence[int]
    counts: Sequence[int]

    @property
    def endless(self) -> int:
        """Requests that never finished, because their process died: longer than any limit."""
        if self.status == DIED_STATUS and self.reason == DIED_REASON:
            return self.requests - sum(self.counts)
        return 0


@dataclass(frozen=True, slots=True)
class Take:
    """Which requests of a row count: `measured` are those with a known duration, of them the ones below or from a bucket."""

    measured: bool = False
    cut: int | None = None
    below: bool = True

    def of(self, row: RequestRow) -> int:
        if not self.measured:
            return row.requests
        if self.cut is None:
            return sum(row.counts) + row.endless
        place = bisect_left(row.buckets, self.cut)
        return sum(row.counts[:place]) if self.below else sum(row.counts[place:]) + row.endless


def take_of(chosen: Filter, *, measured: bool) -> Take:
    """Return which requests count of a row that passes the rest of a filter."""
    for field, predicate in chosen.conditions:
        if field == DURATION and isinstance(predicate, Compared):
            return Take(measured=True, cut=first_bucket_from(threshold_us(predicate)), below=predicate.downwards)
    return Take(measured=measured)


def passes(chosen: Filter, properties: Mapping[str, object]) -> bool:
    """Say whether requests with these properties pass a filter, whatever their duration."""
    return all(predicate.matches(properties.get(field)) for field, predicate in chosen.conditions if field != DURATION)


def named(chosen: Filter, field: str) -> frozenset[str] | None:
    """Return the only values that a filter lets through in a field of texts; None when it is open."""
    for name, predicate in chosen.conditions:
        if name == field:
            return _values(predicate)
    return None


def _values(predicate: Predicate) -> frozenset[str] | None:
    members = predicate.members if isinstance(predicate, OneOf) else (predicate,)
    values = [member.value for member in members if isinstance(member, Equal) and isinstance(member.value, str)]
    return frozenset(values) if len(values) == len(members) else None
