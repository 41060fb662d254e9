"""What was good and what was bad of each service, day by day and now, from the counts of its availability SLO."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from app.core.counting import backfill
from app.domain.calendar import Calendar, Unit, zone_named
from app.domain.filters import Source
from dashboards.status.model import DAYS_SHOWN, Day, Service
from dashboards.status.span_counts import SpanCounts
from dashboards.status.state import State, judged, now_judged
from reporting.evaluation.event_book import rule_of
from reporting.evaluation.measure import measure_of
from reporting.maintenance.maintenance import excluded
from reporting.slo.counts import Counts
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from sqlalchemy import Connection

    from reporting.definitions.definition import Definition
    from reporting.evaluation.measure import Measure
    from reporting.evaluation.sums import BookOf
    from reporting.maintenance.maintenance import Maintenance

_NOW_SHORT, _NOW_LONGER = 5, 30
"""Minutes that the present state looks back on."""
_LATEST = timedelta(minutes=1)
"""The minute that goes on is not all there."""


class _Day(NamedTuple):
    on: date
    start: int
    end: int


class _Promise(NamedTuple):
    definition: Definition
    measure: Measure
    excluded: Sequence[tuple[int, int]]
    known: bool


class Figures:
    """Remembers what it has read, so that a page made again reads little. Not thread-safe."""

    def __init__(self, book_of: BookOf, zone: str) -> None:
        self._zone = zone
        self._counts = SpanCounts(book_of)

    def read(
        self,
        connection: Connection,
        definitions: Iterable[Definition],
        maintenance: Sequence[Maintenance],
        now: datetime,
    ) -> list[Service]:
        """Return the services that have an SLO, by name."""
        days, until = list(_days(self._zone, now)), minute_of(now - _LATEST) + 1
        counted = backfill.counted(connection)
        promises = []
        for definition in availability_of(definitions):
            measure = measure_of(definition.indicator)
            left_out = excluded(maintenance, definition.service, days[0].start, days[-1].end)
            known = measure.source is not Source.EVENTS or counted.get(rule_of(measure).rule_id, False)
            promises.append(_Promise(definition, measure, left_out, known))
        wanted: dict[Measure, set[tuple[int, int]]] = {}
        for promise in promises:
            spans = wanted.setdefault(promise.measure, set())
            for start, end in [*((day.start, min(day.end, until)) for day in days), *_lately(until)]:
                spans.update(_left(promise.excluded, start, end))
        self._counts.read(connection, wanted, now)
        return [_service(promise, self._counts, days, until) for promise in promises]


def availability_of(definitions: Iterable[Definition]) -> list[Definition]:
    """Return the SLO of each service that says best whether it can be used: of all requests, and not of how long they took."""
    best: dict[str, Definition] = {}
    for each in sorted(definitions, key=_preference):
        best.setdefault(each.service, each)
    return [best[service] for service in sorted(best)]


def _preference(definition: Definition) -> tuple[bool, bool, int, bool, str]:
    indicator = definition.indicator
    return (
        indicator.source is not Source.REQUESTS,
        indicator.measures_duration,
        len(indicator.total.conditions),
        definition.name != "availability",
        definition.name,
    )


def _days(zone: str, now: datetime) -> Iterator[_Day]:
    """Give the days that are shown, today last, each as long as it is in that zone."""
    day = Calendar(Unit.DAY, zone).at(now)
    shown = [day]
    while len(shown) < DAYS_SHOWN:
        day = day.previous()
        shown.append(day)
    for each in reversed(shown):
        on = each.start.astimezone(zone_named(zone)).date()
        yield _Day(on, minute_of(each.start), minute_of(each.end))


def _lately(until: int) -> list[tuple[int, int]]:
    return [(until - _NOW_SHORT, until), (until - _NOW_LONGER, until)]


def _left(left_out: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give what of `[start, end)` is not left out."""
    for since, until in left_out:
        if until <= start or end <= since:
            continue
        if start < since:
            yield start, since
        start = max(start, until)
    if start < end:
        yield start, end


def _service(promise: _Promise, known: SpanCounts, days: Sequence[_Day], until: int) -> Service:
    target = promise.definition.objective.target

    def counts(start: int, end: int) -> Counts:
        if not promise.known:
            return Counts(0, 0)
        spans = list(_left(promise.excluded, start, end))
        return sum((known.of(promise.measure, span) for span in spans), Counts(0, 0))

    short, longer = (counts(start, end) for start, end in _lately(until))
    under_maintenance = any(since <= until < end for since, end in promise.excluded)
    return Service(
        name=promise.definition.service,
        state=State.MAINTENANCE if under_maintenance else now_judged(short, longer, target),
        promise=promise.definition.description or promise.definition.display_name or promise.definition.name,
        target=target,
        days=tuple(_day(day, counts(day.start, min(day.end, until)), promise, target, until) for day in days),
    )


def _day(day: _Day, counts: Counts, promise: _Promise, target: Decimal, until: int) -> Day:
    over = min(day.end, until)
    minutes = sum(
        min(end, over) - max(since, day.start) for since, end in promise.excluded if since < over and day.start < end
    )
    state = judged(counts, target)
    if state is State.NO_DATA and minutes > 0:
        state = State.MAINTENANCE
    return Day(on=day.on, state=state, good=int(counts.good), total=int(counts.total), maintenance_minutes=minutes)
