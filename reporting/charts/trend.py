"""The last periods of a promise in a line as high as a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import Figure, plain, specification
from reporting.charts.palette import LIGHT
from reporting.reports.model import Standing
from reporting.wording import FEW, NO_DATA, number, percent, short, target_percent

if TYPE_CHECKING:
    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.reports.model import Promise


def trend(promise: Promise, *, width: int = 62, height: int = 14, palette: Palette = LIGHT) -> Figure:
    """Draw the SLI of each period, the target as a dashed line, and the last one as a dot."""
    values = [{"n": position, "sli": plain(spot.value)} for position, spot in enumerate(promise.trend)]
    known = [value["sli"] for value in values if value["sli"] is not None]
    target = float(promise.target)
    low, high = min([target, *known]), max([target, *known])
    room = (high - low or 1 - target) * 0.15
    x: Spec = {"field": "n", "type": "quantitative", "axis": None, "scale": {"domain": [0, max(len(values) - 1, 1)]}}
    y: Spec = {
        "field": "sli",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [low - room, high + room], "zero": False, "nice": False},
    }
    last = {
        Standing.KEPT: palette.good,
        Standing.MISSED: palette.bad,
        Standing.LOW_TRAFFIC: palette.doubtful,
        Standing.NO_DATA: palette.none,
    }[promise.standing]
    body: Spec = {
        "layer": [
            {
                "data": {"values": [{"sli": target}]},
                "mark": {"type": "rule", "color": palette.faint, "strokeWidth": 0.7, "strokeDash": [2, 2]},
                "encoding": {"y": y},
            },
            {
                "data": {"values": values},
                "mark": {"type": "line", "color": palette.muted, "strokeWidth": 1.1},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": [value for value in values if value["sli"] is not None]},
                "mark": {"type": "point", "filled": True, "size": 4, "color": palette.muted, "opacity": 1},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": [value for value in values[-1:] if value["sli"] is not None]},
                "mark": {"type": "point", "filled": True, "size": 22, "color": last, "opacity": 1},
                "encoding": {"x": x, "y": y},
            },
        ],
    }
    told = [percent(spot.value, target=promise.target) if spot.value is not None else NO_DATA for spot in promise.trend]
    if 0 < promise.tally.total < FEW:
        told[-1:] = [f"{number(promise.tally.good)} of {number(promise.tally.total)}"]
    return Figure(
        name=f"trend-{promise.slo}",
        title=f"{short(promise.name, 40)}: good, %",
        alt=f"{short(promise.name, 80)}, last {len(told)} periods: {', '.join(told)}; target {target_percent(promise.target)}.",
        spec=specification(body, width=width, height=height, palette=palette),
    )
