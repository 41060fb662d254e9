"""A period day by day: what was asked for, and how each day came out against what is promised."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reporting.evaluation.tiles import QUARTER
from reporting.reports.figures.counting import Judged, overlaps
from reporting.reports.figures.promises import standing_of
from reporting.reports.figures.requests import p99_ms, tally
from reporting.reports.figures.spans import pieces_of
from reporting.reports.model import Day, Standing
from reporting.slo.counts import Counts
from reporting.slo.error_budget import error_budget
from reporting.slo.objective import Objective
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reporting.reports.figures.counting import Span
    from reporting.reports.figures.periods import Cell
    from reporting.reports.figures.promises import Outcome
    from reporting.reports.figures.requests_store import Quarter, Rows
    from reporting.reports.model import Incident

WITHOUT_PROMISES = Objective(target=Decimal("0.999"))
"""By which a day is judged where nothing is promised: the availability that ships, slos/availability.yaml."""
_WORST_FIRST = (Standing.MISSED, Standing.KEPT, Standing.LOW_TRAFFIC, Standing.NO_DATA)


def durations_by_day(rows: Rows, days: Sequence[Cell], *, over: int) -> dict[int, dict[int, int]]:
    """Return the histogram of each day, by its place in the period."""
    labelled = {number: pieces_of(day.start, day.end, over=over) for number, day in enumerate(days)}
    return rows.histograms(labelled)


def calendar_of(
    days: Sequence[Cell],
    *,
    quarters: Sequence[Quarter],
    durations: Mapping[int, Mapping[int, int]],
    outcomes: Sequence[Outcome],
    incidents: Sequence[Incident],
    excluded: Sequence[Span],
) -> tuple[Day, ...]:
    """Return the days of a period. Zones differ by whole quarters of an hour, so that each of these is of one day."""
    found = []
    for number, day in enumerate(days):
        within = [quarter for quarter in quarters if day.start <= quarter.start < day.end]
        requests, bad = sum(each.requests for each in within), sum(each.bad for each in within)
        found.append(
            Day(
                day=day.day,
                requests=tally(requests - bad, requests),
                limited=sum(each.limited for each in within),
                standing=day_standing([outcome.days[number] for outcome in outcomes], requests - bad, requests),
                busiest_minute=max((each.requests for each in within), default=0) // QUARTER,
                p99_ms=p99_ms(durations.get(number, {})),
                incidents=sum(_touches(each, day) for each in incidents),
                maintenance_minutes=sum(end - start for start, end in overlaps(excluded, day.start, day.end)),
            )
        )
    return tuple(found)


def day_standing(judged: Iterable[Judged], good: int, requests: int) -> Standing:
    """Return how the worst promise came out on a day; where none is judged, how requests did."""
    standings = [standing_of(each) for each in judged]
    if not standings:
        counts = Counts(good, requests)
        standings = [standing_of(Judged(counts, error_budget(WITHOUT_PROMISES, counts)))]
    return min(standings, key=_WORST_FIRST.index)


def _touches(incident: Incident, day: Cell) -> bool:
    resolved = incident.resolved_at
    return minute_of(incident.started_at) < day.end and (resolved is None or minute_of(resolved) >= day.start)
