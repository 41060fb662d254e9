"""The charts of an SLO's page: what is left of its budget, how many events were bad, and how long requests took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.deploys import deploy_marks, deploys_told
from reporting.charts.figure import Figure, specification, time_axis, wall_clock
from reporting.charts.palette import LIGHT
from reporting.wording import day_and_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.alerts.incident import Incident
    from reporting.annotations.annotation import Annotation
    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.slo_history import Speed, Spot

HEIGHT = 220
_WIDTH = 640
_DECADES = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000]
_NEAR = 0.03
"""Share of the width within which pins are one, so that each can be read."""
_QUIET: Spec = {"title": None, "domain": False, "ticks": False, "tickCount": 4}


def budget_left(
    spots: Sequence[Spot],
    incidents: Sequence[Incident],
    *,
    deploys: Sequence[Annotation] = (),
    zone: str,
    palette: Palette = LIGHT,
) -> Figure:
    """Draw what was left of the budget at the end of each bucket; incidents are numbered from 1 in their order."""
    start, end = spots[0].start, spots[-1].end
    values = [
        {"at": wall_clock(spot.end, zone), "left": spot.left, "bad": spot.bad}
        for spot in spots
        if spot.left is not None
    ]
    pins = _pins(incidents, start, end, zone)
    known = [spot.left for spot in spots if spot.left is not None]
    x = _time(start, end, zone)
    y: Spec = {
        "field": "left",
        "type": "quantitative",
        "scale": {"domain": [min([0.0, *known]) * 1.05, 1.1], "nice": False},
        "axis": _QUIET
        | {"labelExpr": "format(datum.value * 100, '.0f') + ' %'", "values": [-1, -0.5, 0, 0.25, 0.5, 0.75, 1]},
    }
    colour = palette.bad if known and known[-1] < 0 else palette.accent
    tooltip = [
        {"field": "at", "type": "temporal", "timeUnit": "utcyearmonthdatehoursminutes", "title": "until", "format": "%-d %b %H:%M"},
        {"field": "left", "type": "quantitative", "title": "left", "format": ".1%"},
        {"field": "bad", "type": "quantitative", "title": "bad before it", "format": ","},
    ]  # fmt: skip
    body: Spec = {
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "area", "color": palette.accent_tint, "opacity": 0.5, "interpolate": "linear"},
                "encoding": {"x": x, "y": y},
            },
            {"data": {"values": [{"left": 0}]}, "mark": {"type": "rule", "color": palette.ink}, "encoding": {"y": y}},
            {
                "data": {"values": pins},
                "mark": {"type": "rule", "color": palette.muted, "strokeDash": [3, 3]},
                "encoding": {"x": x},
            },
            {
                "data": {"values": values},
                "mark": {"type": "line", "strokeWidth": 2, "color": colour, "interpolate": "linear"},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 240, "opacity": 0},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "data": {"values": pins},
                "mark": {"type": "point", "filled": True, "size": 320, "opacity": 1, "color": palette.ink, "y": 10},
                "encoding": {"x": x, "tooltip": {"field": "title", "title": "incident"}},
            },
            {
                "data": {"values": pins},
                "mark": {"type": "text", "fontSize": 11, "fontWeight": "bold", "color": palette.paper, "y": 10.5},
                "encoding": {"x": x, "text": {"field": "number"}},
            },
            *deploy_marks(deploys, start, end, x, zone=zone, palette=palette),
        ]
    }
    ends = f"{known[0]:.0%} at the beginning, {known[-1]:.0%} at the end" if known else "no data"
    pinned = "".join(
        f" Incident {number}: {each.title}, {day_and_time(each.started_at, zone)}."
        for number, each in enumerate(incidents, start=1)
    )
    told = f"Error budget left: {ends}.{pinned}{deploys_told(deploys, zone)}"
    return _figure("budget-left", "Error budget left, %", told, body, palette)


def bad_events(
    spots: Sequence[Spot], *, deploys: Sequence[Annotation] = (), zone: str, unit: str, palette: Palette = LIGHT
) -> Figure:
    """Draw a bar of bad events, or slices, for each bucket."""
    start, end = spots[0].start, spots[-1].end
    values = [
        {
            "at": wall_clock(spot.start, zone),
            "until": wall_clock(spot.end, zone),
            "bad": spot.bad if spot.total else None,
            "total": spot.total,
        }
        for spot in spots
    ]
    at = {"type": "temporal", "timeUnit": "utcyearmonthdatehoursminutes", "format": "%-d %b %H:%M"}
    x = _time(start, end, zone)
    # Its ends span it: a domain of its own would be another one for the right edges, and buckets without data are left out.
    x["scale"].pop("domain")
    bars: Spec = {
        "data": {"values": values},
        "mark": {"type": "rect", "color": palette.bad, "stroke": palette.paper, "strokeWidth": 0.5},
        "encoding": {
            "x": x,
            "x2": {"field": "until"},
            "y": {
                "field": "bad",
                "type": "quantitative",
                "scale": {"domainMin": 0, "nice": True},
                "axis": _QUIET | {"format": "~s", "tickMinStep": 1},
            },
            "y2": {"datum": 0},
            "tooltip": [
                {"field": "at", "title": "from", **at},
                {"field": "bad", "type": "quantitative", "format": ","},
                {"field": "total", "type": "quantitative", "title": "of", "format": ","},
            ],
        },
    }
    ends: Spec = {
        "data": {"values": [{"at": wall_clock(each, zone)} for each in (start, end)]},
        "mark": {"type": "rule", "opacity": 0},
        "encoding": {"x": x},
    }
    body: Spec = {"layer": [ends, bars, *deploy_marks(deploys, start, end, x, zone=zone, palette=palette)]}
    bad, total = sum(spot.bad for spot in spots), sum(spot.total for spot in spots)
    told = (f"{bad:,.0f} bad of {total:,.0f} {unit}." if total else "No data.") + deploys_told(deploys, zone)
    return _figure("bad-events", f"Bad {unit}", told, body, palette)


def durations(
    speeds: Sequence[Speed],
    *,
    deploys: Sequence[Annotation] = (),
    end: datetime,
    zone: str,
    palette: Palette = LIGHT,
) -> Figure:
    """Draw P50, P95 and P99 through time, on a scale on which ten times as long is always as far."""
    values = [
        {"at": wall_clock(speed.start, zone), "percentile": name, "ms": max(value, 0.01)}
        for speed in speeds
        for name, value in (("P50", speed.p50), ("P95", speed.p95), ("P99", speed.p99))
    ]
    names = ["P50", "P95", "P99"]
    named: Spec = {"field": "percentile", "type": "nominal", "sort": names, "legend": {"title": None, "orient": "top", "symbolType": "stroke"}}  # fmt: skip
    start = speeds[0].start
    x = _time(start, end, zone)
    lines: Spec = {
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 28}},
        "encoding": {
            "x": x,
            "y": {
                "field": "ms",
                "type": "quantitative",
                "scale": {"type": "log", "nice": True},
                "axis": _QUIET
                | {"values": _DECADES, "labelExpr": "datum.value >= 1000 ? datum.value / 1000 + ' s' : datum.value + ' ms'"},
            },
            "color": named | {"scale": {"domain": names, "range": [palette.faint, palette.accent, palette.ink]}},
            "strokeDash": named | {"scale": {"domain": names, "range": [[1, 0], [6, 3], [2, 2]]}},
            "tooltip": [
                {"field": "at", "type": "temporal", "timeUnit": "utcyearmonthdatehoursminutes", "title": "from", "format": "%-d %b %H:%M"},
                {"field": "percentile", "title": "percentile"},
                {"field": "ms", "type": "quantitative", "title": "ms", "format": ",.4~r"},
            ],
        },
    }  # fmt: skip
    last = speeds[-1]
    body: Spec = {"layer": [lines, *deploy_marks(deploys, start, end, x, zone=zone, palette=palette)]}
    told = (
        f"At the end P50 {last.p50:.3g} ms, P95 {last.p95:.3g} ms, P99 {last.p99:.3g} ms.{deploys_told(deploys, zone)}"
    )
    return _figure("durations", "Time to answer, logarithmic", told, body, palette)


def _pins(incidents: Sequence[Incident], start: datetime, end: datetime, zone: str) -> list[Spec]:
    """Return where incidents are pinned; those that begin almost together share a pin."""
    pins: list[tuple[datetime, list[int], list[str]]] = []
    for number, each in enumerate(incidents, start=1):
        at = min(max(each.started_at, start), end)
        if pins and at - pins[-1][0] < _NEAR * (end - start):
            pins[-1][1].append(number)
            pins[-1][2].append(each.title)
        else:
            pins.append((at, [number], [each.title]))
    return [
        {
            "at": wall_clock(at, zone),
            "number": str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}+",
            "title": "; ".join(titles),
        }
        for at, numbers, titles in pins
    ]


def _time(start: datetime, end: datetime, zone: str) -> Spec:
    hours = (end - start).total_seconds() / 3_600
    form = "%H:%M" if hours <= 30 else "%a %-d" if hours <= 200 else "%-d %b"  # noqa: PLR2004 - A day, a week, a month.
    return time_axis(wall_clock(start, zone), wall_clock(end, zone), format=form, tickCount=7)


def _figure(name: str, title: str, alt: str, body: Spec, palette: Palette) -> Figure:
    return Figure(
        name=name, title=title, alt=alt, spec=specification(body, width=_WIDTH, height=HEIGHT, palette=palette)
    )
