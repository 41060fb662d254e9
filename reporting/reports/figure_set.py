"""Which figures a report has, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from reporting.charts.burn_down import burn_down
from reporting.charts.calendar_heat_map import calendar_heat_map
from reporting.charts.incident_timeline import incident_timeline
from reporting.charts.latency import latency
from reporting.charts.reasons import reasons
from reporting.charts.throughput import throughput
from reporting.charts.trend import trend

if TYPE_CHECKING:
    from collections.abc import Callable

    from reporting.charts.figure import Figure
    from reporting.reports.model import Report

Shown = TypeVar("Shown")
Drawn = TypeVar("Drawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSet(Generic[Shown]):
    """A figure is absent where it would say nothing. `trends` are in the order of the promises."""

    calendar: Shown
    throughput: Shown
    burn_downs: tuple[Shown, ...]
    trends: tuple[Shown, ...]
    incidents: Shown | None
    reasons: Shown | None
    latency: Shown | None

    def each(self, change: Callable[[Shown], Drawn]) -> FigureSet[Drawn]:
        """Return the same set with every figure changed, such as drawn."""
        return FigureSet(
            calendar=change(self.calendar),
            throughput=change(self.throughput),
            burn_downs=tuple(map(change, self.burn_downs)),
            trends=tuple(map(change, self.trends)),
            incidents=None if self.incidents is None else change(self.incidents),
            reasons=None if self.reasons is None else change(self.reasons),
            latency=None if self.latency is None else change(self.latency),
        )


def figures_of(report: Report) -> FigureSet[Figure]:
    """Return all figures of a report, not drawn."""
    numbered = {incident.incident_id: (number, incident) for number, incident in enumerate(report.incidents, 1)}
    return FigureSet(
        calendar=calendar_heat_map(report.days),
        throughput=throughput(report.days),
        burn_downs=tuple(
            burn_down(each, period=report.period, incidents=numbered)
            for each in report.burn_downs
            if any(spot.value is not None for spot in each.line)
        ),
        trends=tuple(trend(each) for each in report.promises),
        incidents=incident_timeline(report.incidents, report.maintenance, period=report.period)
        if report.incidents or report.maintenance
        else None,
        reasons=reasons(report.reasons) if report.reasons else None,
        latency=latency(report.routes) if any(route.p50_ms is not None for route in report.routes) else None,
    )
