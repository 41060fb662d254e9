"""What is left of an error budget through a period, with the line of a budget spent evenly and incidents pinned to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import Figure, plain, specification, time_axis, wall_clock
from reporting.charts.palette import LIGHT
from reporting.wording import day_and_time, percent, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.reports.model import BurnDown, Incident, Period


def burn_down(
    figure: BurnDown,
    *,
    period: Period,
    incidents: Mapping[str, tuple[int, Incident]],
    width: int = 220,
    height: int = 118,
    palette: Palette = LIGHT,
) -> Figure:
    """Draw one line. `incidents` are all incidents of the report by id, each with the number that it is shown under."""
    zone = period.timezone
    start, end = wall_clock(period.start, zone), wall_clock(period.end, zone)
    values = [{"at": wall_clock(spot.at, zone), "left": plain(spot.value)} for spot in figure.line]
    pinned = [incidents[pin] for pin in figure.pins if pin in incidents]
    pins = [
        {"at": wall_clock(max(incident.started_at, period.start), zone), "number": str(number)}
        for number, incident in pinned
    ]
    known = [value["left"] for value in values if isinstance(value["left"], float)]
    lowest = min([0.0, *known])
    left: Spec = {
        "field": "left",
        "type": "quantitative",
        "scale": {"domain": [lowest * 1.08, 1.0 if not pins else 1.12], "nice": False},
        "axis": {
            "title": None,
            "labelExpr": "format(datum.value * 100, ',.0f') + ' %'",
            "tickCount": 4,
            "domain": False,
            "ticks": False,
        },
    }
    colour = palette.bad if known and known[-1] < 0 else palette.accent
    body: Spec = {
        "layer": [
            {
                "data": {"values": [{"at": start, "left": 1}, {"at": end, "left": 0}]},
                "mark": {"type": "line", "strokeDash": [3, 3], "strokeWidth": 1, "color": palette.faint},
                "encoding": {"x": time_axis(start, end), "y": left},
            },
            {
                "data": {"values": [{"left": 0}]},
                "mark": {"type": "rule", "color": palette.ink, "strokeWidth": 0.8},
                "encoding": {"y": left},
            },
            {
                "data": {"values": pins},
                "mark": {"type": "rule", "color": palette.muted, "strokeWidth": 0.7, "strokeDash": [1, 1.5]},
                "encoding": {"x": time_axis(start, end)},
            },
            {
                "data": {"values": pins},
                "mark": {"type": "point", "filled": True, "size": 120, "opacity": 1, "color": palette.ink, "y": 5},
                "encoding": {"x": time_axis(start, end)},
            },
            {
                "data": {"values": pins},
                "mark": {"type": "text", "fontSize": 8, "fontWeight": "bold", "color": palette.paper, "y": 5.5},
                "encoding": {"x": time_axis(start, end), "text": {"field": "number"}},
            },
            {
                "data": {"values": values},
                "mark": {"type": "line", "strokeWidth": 1.8, "color": colour, "interpolate": "monotone"},
                "encoding": {"x": time_axis(start, end), "y": left},
            },
        ],
    }
    return Figure(
        name=f"burn-down-{figure.slo}",
        title=f"{short(figure.name, 40)}: error budget left, %",
        alt=_alt(figure, period, pinned),
        spec=specification(body, width=width, height=height, palette=palette),
    )


def _alt(figure: BurnDown, period: Period, pinned: list[tuple[int, Incident]]) -> str:
    name = short(figure.name, 80)
    known = [spot for spot in figure.line if spot.value is not None]
    if not known:
        return f"Error budget of {name}: no data."
    first, last = known[0], known[-1]
    lowest = min(known, key=lambda spot: spot.value or 0)
    gaps = " There are gaps without data." if len(known) < len(figure.line) else ""
    pins = [f"incident {number} on {day_and_time(incident.started_at, period.timezone)}" for number, incident in pinned]
    return (
        f"Error budget left of {name}: {percent(first.value)} at {day_and_time(first.at, period.timezone)}, "
        f"{percent(last.value)} at {day_and_time(last.at, period.timezone)}, "
        f"lowest {percent(lowest.value)} at {day_and_time(lowest.at, period.timezone)}.{gaps}"
        + (f" Pinned: {', '.join(pins)}." if pins else "")
    )
