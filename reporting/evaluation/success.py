"""`success`: the share of a service's requests that were answered with 2xx. Nobody promises it, so it has no budget.

It is shown beside the promises, because they leave out what it has: a 404 or a 429 is an answer, and no success. The 429s are
counted by themselves: the service was up, and some of its clients were held off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.filters import Source, parse
from reporting.evaluation.measure import Measure, measure_of
from reporting.evaluation.request_filter import named
from reporting.slo.windows import RollingWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from reporting.definitions.definition import Definition
    from reporting.slo.counts import Counts
    from reporting.slo.windows import CompliancePeriod

    Count = Callable[[Measure, int, int], Counts]

WINDOW = RollingWindow(timedelta(days=30))
"""That of the shipped promises."""


@dataclass(frozen=True, slots=True)
class Success:
    """Requests of a service over the last 30 days: `counts.good` were answered with 2xx, `degraded` with 429."""

    service: str
    period: CompliancePeriod
    counts: Counts
    degraded: int


def services_of(definitions: Iterable[Definition]) -> tuple[str, ...]:
    """Return the services whose requests promises are about, by name."""
    totals = [measure_of(each.indicator).total for each in definitions if each.indicator.source is Source.REQUESTS]
    return tuple(sorted({service for total in totals for service in named(total, "service") or ()}))


def measures_for(service: str) -> tuple[Measure, Measure]:
    """Return what counts the successes of a service, and its 429s."""
    total = parse(Source.REQUESTS, {"service": service})
    succeeded, held_off = (parse(Source.REQUESTS, {"service": service, "status": status}) for status in ("2xx", 429))
    return Measure(total, succeeded, part_is_good=True), Measure(total, held_off, part_is_good=True)


def success_of(service: str, count: Count, now: datetime) -> Success:
    """Count, over the span of `WINDOW`."""
    succeeded, held_off = measures_for(service)
    period = WINDOW.at(now)
    return Success(service, period, count(succeeded, *period.minutes), count(held_off, *period.minutes).good)
