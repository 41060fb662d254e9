"""The first page of a report as the body of a mail: no pictures, and its style in its elements, where mail programs leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.palette import LIGHT
from reporting.reports.model import Decision, Standing
from reporting.reports.templating import environment, facts

if TYPE_CHECKING:
    from reporting.reports.model import Day, Report

_DAYS_OF_A_WEEK = 7
_SIGNS = {Standing.KEPT: "✓", Standing.MISSED: "✗", Standing.LOW_TRAFFIC: "~", Standing.NO_DATA: "-"}
_COLOURS = {
    Standing.KEPT: (LIGHT.good, LIGHT.good_tint),
    Standing.MISSED: (LIGHT.bad, LIGHT.bad_tint),
    Standing.LOW_TRAFFIC: (LIGHT.doubtful, LIGHT.doubtful_tint),
    Standing.NO_DATA: (LIGHT.none, LIGHT.none_tint),
}
_DECIDED = {
    Decision.SHIP: _COLOURS[Standing.KEPT],
    Decision.CAREFUL: _COLOURS[Standing.LOW_TRAFFIC],
    Decision.FREEZE: _COLOURS[Standing.MISSED],
    Decision.UNKNOWN: _COLOURS[Standing.NO_DATA],
}


def first_page(report: Report, *, address: str = "") -> str:
    """Return the document; the same report makes the same. `address` is that of its page on the web."""
    return (
        environment()
        .get_template("mail.html")
        .render(
            **facts(report),
            weeks=_weeks(report),
            signs=_SIGNS,
            colours=_COLOURS,
            decided=_DECIDED,
            palette=LIGHT,
            address=address,
        )
    )


def _weeks(report: Report) -> list[list[Day | None]]:
    """Return the days in rows from Monday to Sunday."""
    if not report.days:
        return []
    cells: list[Day | None] = [*[None] * report.days[0].day.weekday(), *report.days]
    cells += [None] * (-len(cells) % _DAYS_OF_A_WEEK)
    return [cells[first : first + _DAYS_OF_A_WEEK] for first in range(0, len(cells), _DAYS_OF_A_WEEK)]
