"""Requests a day through a period; a day without data is a grey gap, not a zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import Figure, specification
from reporting.charts.palette import LIGHT
from reporting.reports.model import Standing
from reporting.wording import counted, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.reports.model import Day


def throughput(days: Sequence[Day], *, width: int = 676, height: int = 80, palette: Palette = LIGHT) -> Figure:
    """Draw a bar for each day."""
    values = [
        {
            "day": day.day.isoformat(),
            "requests": None if day.standing is Standing.NO_DATA else day.requests.total,
            "gap": day.standing is Standing.NO_DATA,
        }
        for day in days
    ]
    x: Spec = {
        "field": "day",
        "type": "ordinal",
        "axis": {
            "title": None,
            "domain": False,
            "ticks": False,
            "labelAngle": 0,
            "labelFontSize": 8,
            "labelExpr": "utcFormat(toDate(datum.value + 'T00:00:00Z'), '%-d')",
            "labelOverlap": "greedy",
        },
        "scale": {"paddingInner": 0.18, "paddingOuter": 0.05},
    }
    body: Spec = {
        "data": {"values": values},
        "encoding": {"x": x},
        "layer": [
            {
                "transform": [{"filter": "datum.gap"}],
                "mark": {"type": "rect", "color": palette.none_tint},
            },
            {
                "transform": [{"filter": "!datum.gap"}],
                "mark": {"type": "bar", "color": palette.accent},
                "encoding": {
                    "y": {
                        "field": "requests",
                        "type": "quantitative",
                        "axis": {"title": None, "format": "~s", "tickCount": 3, "domain": False, "ticks": False},
                    }
                },
            },
        ],
    }
    return Figure(
        name="throughput",
        title="Requests a day (grey: no data)",
        alt=_alt(days),
        spec=specification(body, width=width, height=height, palette=palette),
    )


def _alt(days: Sequence[Day]) -> str:
    known = [day for day in days if day.standing is not Standing.NO_DATA]
    if not known:
        return f"Requests a day: no data of {counted(len(days), 'day')}."
    most, least = max(known, key=lambda day: day.requests.total), min(known, key=lambda day: day.requests.total)
    gaps = len(days) - len(known)
    return (
        f"Requests a day: {number(sum(day.requests.total for day in known))} in {counted(len(known), 'day')}, "
        f"most on {most.day:%-d %B} ({number(most.requests.total)}), least on {least.day:%-d %B} ({number(least.requests.total)})."
        + (f" No data of {counted(gaps, 'day')}." if gaps else "")
    )
