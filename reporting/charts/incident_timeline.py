"""When things were broken, or meant to be: incidents by severity and excluded maintenance along a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import Figure, specification, time_axis, wall_clock
from reporting.charts.palette import LIGHT
from reporting.wording import counted, day_and_time, short, span

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.reports.model import Incident, Maintenance, Period

_ROW = 19
_NUMBERED = 15
"""With more incidents than this, their numbers would cover each other."""
_TOLD = 10
_MAINTENANCE = "maintenance"


def incident_timeline(
    incidents: Sequence[Incident],
    maintenance: Sequence[Maintenance],
    *,
    period: Period,
    width: int = 676,
    palette: Palette = LIGHT,
) -> Figure:
    """Draw a row for each severity and one for maintenance; incidents have the numbers of their places in the list."""
    zone = period.timezone
    start, end = wall_clock(period.start, zone), wall_clock(period.end, zone)

    def stretch(began: datetime, ended: datetime | None) -> Spec:
        first, last = max(began, period.start), min(ended or period.until, period.end)
        return {"at": wall_clock(first, zone), "to": wall_clock(max(first, last), zone)}

    severities = sorted({short(incident.severity, 14) for incident in incidents})
    rows = [*severities, _MAINTENANCE] if maintenance or not severities else severities
    values = [
        {**stretch(each.started_at, each.resolved_at), "row": short(each.severity, 14), "number": str(number)}
        for number, each in enumerate(incidents, 1)
    ] + [{**stretch(each.starts_at, each.ends_at), "row": _MAINTENANCE, "number": ""} for each in maintenance]
    colours = [palette.bad if row == "page" else palette.doubtful for row in severities] + [palette.muted]
    body: Spec = {
        "data": {"values": values},
        "encoding": {
            "y": {
                "field": "row",
                "type": "nominal",
                "sort": None,
                "scale": {"domain": rows, "paddingInner": 0.25},
                "axis": {"title": None, "domain": False, "ticks": False, "grid": True, "labelColor": palette.ink},
            },
            "x": time_axis(start, end, tickCount=10),
        },
        "layer": [
            {
                # A minute of a month is thinner than a hair: the stroke keeps it in sight.
                "mark": {"type": "bar", "height": 10, "strokeWidth": 2, "cornerRadius": 1},
                "encoding": {
                    "x2": {"field": "to"},
                    "color": {"field": "row", "scale": {"domain": [*severities, _MAINTENANCE], "range": colours}, "legend": None},
                    "stroke": {"field": "row", "scale": {"domain": [*severities, _MAINTENANCE], "range": colours}, "legend": None},
                },
            },
            {
                "transform": [{"filter": "datum.number != ''" if len(incidents) <= _NUMBERED else "false"}],
                "mark": {"type": "text", "align": "left", "fontSize": 9, "fontWeight": "bold", "dx": 5},
                "encoding": {"text": {"field": "number"}, "x": {**time_axis(start, end, tickCount=10), "field": "to"}, "color": {"value": palette.ink}},
            },
        ],
    }  # fmt: skip
    return Figure(
        name="incidents",
        title=f"Incidents by severity, and maintenance ({period.timezone})",
        alt=_alt(incidents, maintenance, zone),
        spec=specification(body, width=width, height=_ROW * max(len(rows), 1), palette=palette),
    )


def _alt(incidents: Sequence[Incident], maintenance: Sequence[Maintenance], zone: str) -> str:
    told = [
        f"{number}: {short(incident.title)}, {short(incident.severity, 14)}, from {day_and_time(incident.started_at, zone)} for {span(incident.minutes * 60)}"
        for number, incident in enumerate(incidents[:_TOLD], 1)
    ]
    rest = f" {counted(len(incidents) - _TOLD, 'more')} are listed below." if len(incidents) > _TOLD else ""
    return (
        f"{counted(len(incidents), 'incident')} and {counted(len(maintenance), 'stretch', 'stretches')} of maintenance."
        + "".join(f" {line}." for line in told)
        + rest
    )
