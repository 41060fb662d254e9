"""Deploys on the time axis of a chart: a line, and a flag at its foot that says what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import wall_clock
from reporting.wording import day_and_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.annotations.annotation import Annotation
    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette

_FOOT: Spec = {"expr": "height - 7"}


def deploy_marks(
    deploys: Sequence[Annotation], start: datetime, end: datetime, x: Spec, *, zone: str, palette: Palette
) -> list[Spec]:
    """Return the layers of deploys between two instants; none where there is none."""
    values = [
        {"at": wall_clock(each.at, zone), "text": each.text, "when": day_and_time(each.at, zone)}
        for each in deploys
        if start <= each.at <= end
    ]
    if not values:
        return []
    at = {**x, "field": "at"}
    tooltip = [{"field": "text", "title": "deploy"}, {"field": "when", "title": "at"}]
    line: Spec = {"type": "rule", "color": palette.doubtful, "strokeWidth": 1, "strokeDash": [1, 3]}
    flag: Spec = {"type": "point", "shape": "triangle-up", "filled": True, "size": 90, "opacity": 1, "y": _FOOT}
    return [
        {"data": {"values": values}, "mark": line, "encoding": {"x": at}},
        {
            "data": {"values": values},
            "mark": flag | {"color": palette.doubtful},
            "encoding": {"x": at, "tooltip": tooltip},
        },
    ]


def deploys_told(deploys: Sequence[Annotation], zone: str) -> str:
    """Return the same in words."""
    return "".join(f" Deploy: {each.text}, {day_and_time(each.at, zone)}." for each in deploys)
