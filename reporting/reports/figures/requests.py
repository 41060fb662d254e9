"""Requests of a period, told apart by kind: overview, routes, reasons, tiers. Pure, but for `read`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.core.problems import ProblemType
from app.core.telemetry.dead_processes import DIED_REASON
from app.domain.histogram import quantile
from reporting.evaluation import request_store
from reporting.evaluation.tiles import tiles_of
from reporting.reports.figures.requests_store import Kind
from reporting.reports.model import Reason, Route, Tally, TierVolume
from reporting.slo.exact import quotient

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from sqlalchemy import Connection

    from reporting.evaluation.request_store import Scope
    from reporting.evaluation.tiles import Tile
    from reporting.reports.figures.spans import Piece

    K = TypeVar("K", bound=Hashable)

FIRST_BAD = HTTPStatus.INTERNAL_SERVER_ERROR
LIMITED = HTTPStatus.TOO_MANY_REQUESTS
OTHER = "__other__"
MOST_REASONS = 12
_P50, _P95, _P99 = Decimal("0.5"), Decimal("0.95"), Decimal("0.99")
_PROBLEMS = {problem.slug: problem.title for problem in ProblemType}


@dataclass(slots=True)
class Group:
    """Requests that are alike in something, and their durations by bucket."""

    requests: int = 0
    bad: int = 0
    limited: int = 0
    histogram: Counter[int] = field(default_factory=Counter)

    def add(self, status: int, requests: int, histogram: Mapping[int, int] | None = None) -> None:
        self.requests += requests
        self.bad += requests if status >= FIRST_BAD else 0
        self.limited += requests if status == LIMITED else 0
        if histogram:
            for bucket, count in histogram.items():
                self.histogram[bucket] += count

    @property
    def tally(self) -> Tally:
        return tally(self.requests - self.bad, self.requests)


Kinds = dict[Kind, Group]
"""Requests by kind."""


def read(connection: Connection, scope: Scope, tier: str | None, pieces: Iterable[Piece]) -> Kinds:
    """Return the requests of a scope over pieces of time."""
    found: Kinds = {}
    by_sign: dict[int, set[Tile]] = {}
    for piece in pieces:
        by_sign.setdefault(piece.sign, set()).update(tiles_of(piece.since, piece.until))
    for sign, tiles in by_sign.items():
        for _, row in request_store.rows(connection, scope, tiles, histograms=True):
            if tier is None or row.tier == tier:
                kind = Kind(row.service, row.route, row.method, row.tier, row.status, row.reason)
                group = found.get(kind)
                if group is None:
                    group = found[kind] = Group()
                counts = row.counts if sign > 0 else [-count for count in row.counts]
                group.add(row.status, sign * row.requests, dict(zip(row.buckets, counts, strict=True)))
    return {kind: group for kind, group in found.items() if group.requests}


def tally(good: int, total: int) -> Tally:
    """Return good and bad of a total."""
    return Tally(good=good, bad=total - good, total=total, sli=quotient(good, total) if total else None)


def by(kinds: Kinds, key: Callable[[Kind], K]) -> dict[K, Group]:
    """Add up requests that are alike in something, in its order."""
    found: dict[K, Group] = {}
    for kind, group in kinds.items():
        into = found.setdefault(key(kind), Group())
        into.add(kind.status, group.requests, group.histogram)
    return found


def together(kinds: Kinds) -> Group:
    """Add all of them up."""
    return by(kinds, lambda _: None).get(None, Group())


def percentiles_ms(histogram: Mapping[int, int]) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Return P50, P95 and P99 in milliseconds, within 1 %."""
    p50, p95, p99 = (in_ms(quantile(histogram, ratio)) for ratio in (_P50, _P95, _P99))
    return p50, p95, p99


def p99_ms(histogram: Mapping[int, int]) -> Decimal | None:
    return in_ms(quantile(histogram, _P99))


def in_ms(duration_us: int | None) -> Decimal | None:
    return None if duration_us is None else Decimal(duration_us) / 1_000


def routes(kinds: Kinds, previous: Kinds) -> tuple[Route, ...]:
    """Return every route, the busiest of each service first."""

    def route_of(kind: Kind) -> tuple[str, str, str]:
        return kind.service, kind.method, kind.route

    before = by(previous, route_of)
    found = []
    for key, group in by(kinds, route_of).items():
        p50, p95, p99 = percentiles_ms(group.histogram)
        then = before.get(key, Group())
        service, method, route = key
        found.append(
            Route(
                service=service,
                method=method,
                route=route,
                requests=group.tally,
                limited=group.limited,
                p50_ms=p50,
                p95_ms=p95,
                p99_ms=p99,
                previous_sli=then.tally.sli,
                previous_p99_ms=p99_ms(then.histogram),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.service, -each.requests.total, each.route, each.method)))


def tiers(kinds: Kinds) -> tuple[TierVolume, ...]:
    """Return requests by tier, the busiest first; those whose tier is not known have none."""
    found = by(kinds, lambda kind: kind.tier)
    volumes = [TierVolume(tier=tier, requests=group.tally, limited=group.limited) for tier, group in found.items()]
    return tuple(sorted(volumes, key=lambda each: (-each.requests.total, each.tier)))


def reasons(kinds: Kinds) -> tuple[Reason, ...]:
    """Return why requests were bad, the most frequent first, and the rest as one."""
    found = by(
        {kind: group for kind, group in kinds.items() if kind.status >= FIRST_BAD},
        lambda kind: (kind.status, kind.reason),
    )
    ordered = sorted(((group.bad, key) for key, group in found.items()), key=lambda each: (-each[0], each[1]))
    bad = sum(count for count, _ in ordered)
    shown = [_reason(status, reason, count, bad) for count, (status, reason) in ordered[:MOST_REASONS]]
    rest = sum(count for count, _ in ordered[MOST_REASONS:])
    return (*shown, *([_reason(0, OTHER, rest, bad)] if rest else []))


def top(counts: Mapping[str, int], most: int) -> Sequence[tuple[str, int]]:
    """Return what counts most, the first by name of equals."""
    found = [(value, count) for value, count in counts.items() if count > 0]
    return sorted(found, key=lambda each: (-each[1], each[0]))[:most]


def _reason(status: int, reason: str, bad: int, of: int) -> Reason:
    return Reason(status=status, reason=reason, sentence=_sentence(status, reason), bad=bad, share=quotient(bad, of))


def _sentence(status: int, reason: str) -> str:
    if reason == OTHER and not status:
        return "All other reasons"
    if reason == DIED_REASON:
        return "The process died before it had answered"
    if reason in _PROBLEMS:
        return _PROBLEMS[reason]
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = f"Status {status}"
    return f"{phrase}: {reason.replace('-', ' ')}" if reason else phrase
