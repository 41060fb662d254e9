"""Days as squares of a calendar: a colour and a symbol for how each came out, marks for incidents and maintenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import Figure, specification
from reporting.charts.palette import LIGHT
from reporting.reports.model import Standing
from reporting.wording import NO_DATA, counted, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.reports.model import Day

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CELL = 52
_ROW = 33
WORDS = {
    Standing.KEPT: "kept",
    Standing.MISSED: "missed",
    Standing.LOW_TRAFFIC: "too few to tell",
    Standing.NO_DATA: NO_DATA,
}
# Symbols as paths in a square from -1 to 1, so that no font decides what they look like.
SYMBOLS = {
    Standing.KEPT: "M-0.9,0.05L-0.25,0.7L0.9,-0.65",
    Standing.MISSED: "M-0.7,-0.7L0.7,0.7M-0.7,0.7L0.7,-0.7",
    Standing.LOW_TRAFFIC: "M-0.9,0.2C-0.5,-0.6,-0.2,-0.4,0,0C0.2,0.4,0.5,0.6,0.9,-0.2",
    Standing.NO_DATA: "M-0.6,0L0.6,0",
}
_FLAG = "M-1,1L0,-1L1,1Z"


def calendar_heat_map(days: Sequence[Day], *, palette: Palette = LIGHT) -> Figure:
    """Draw days in weeks from Monday to Sunday; above a square `▲` is an incident, below it a bar is maintenance."""
    rows = [
        {
            "weekday": _WEEKDAYS[day.day.weekday()],
            "week": _week(days, index),
            "number": day.day.day,
            "date": day.day.isoformat(),
            "standing": WORDS[day.standing],
            "requests": day.requests.total,
            "bad": day.requests.bad,
            "incidents": day.incidents,
            "maintenance": day.maintenance_minutes,
        }
        for index, day in enumerate(days)
    ]
    weeks = 1 + max((int(str(row["week"])) for row in rows), default=0)
    body: Spec = {
        "data": {"values": rows},
        "encoding": {
            "x": {
                "field": "weekday",
                "type": "ordinal",
                "scale": {"domain": list(_WEEKDAYS), "paddingInner": 0.08, "paddingOuter": 0},
                "axis": {"orient": "top", "title": None, "labelAngle": 0, "domain": False, "ticks": False},
            },
            "y": {
                "field": "week",
                "type": "ordinal",
                "scale": {"paddingInner": 0.12, "paddingOuter": 0},
                "axis": None,
            },
        },
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 3},
                "encoding": {"color": {**_by_standing(_tints(palette)), "legend": None}},
            },
            {
                "mark": {"type": "text", "align": "left", "xOffset": -_CELL * 0.40, "yOffset": -_ROW * 0.2, "fontSize": 9},
                "encoding": {"text": {"field": "number"}, "color": {"value": palette.muted}},
            },
            {
                "mark": {"type": "point", "size": 34, "strokeWidth": 1.4, "yOffset": 3, "filled": False, "opacity": 1},
                "encoding": {
                    "shape": _by_standing([SYMBOLS[standing] for standing in WORDS]) | {"legend": _legend()},
                    "stroke": _by_standing(_strong(palette)) | {"legend": _legend()},
                },
            },
            {
                "transform": [{"filter": "datum.incidents > 0"}],
                "mark": {"type": "point", "shape": _FLAG, "size": 22, "xOffset": _CELL * 0.36, "yOffset": -_ROW * 0.24, "filled": True, "opacity": 1},
                "encoding": {"color": {"value": palette.ink}},
            },
            {
                "transform": [{"filter": "datum.maintenance > 0"}],
                "mark": {"type": "rect", "height": 2, "width": _CELL * 0.6, "yOffset": _ROW * 0.40},
                "encoding": {"color": {"value": palette.muted}},
            },
        ],
        "resolve": {"scale": {"color": "independent"}},
    }  # fmt: skip
    return Figure(
        name="calendar",
        title="Days, by whether promises were kept",
        alt=_alt(days),
        spec=specification(body, width=_CELL * 7, height=_ROW * weeks, palette=palette),
    )


def _week(days: Sequence[Day], index: int) -> int:
    return (days[0].day.weekday() + index) // len(_WEEKDAYS)


def _by_standing(values: list[str]) -> Spec:
    return {"field": "standing", "type": "nominal", "scale": {"domain": list(WORDS.values()), "range": values}}


def _legend() -> Spec:
    return {"title": None, "orient": "bottom", "direction": "horizontal", "symbolSize": 34, "symbolStrokeWidth": 1.4, "columnPadding": 10, "offset": 6}  # fmt: skip


def _tints(palette: Palette) -> list[str]:
    return [palette.good_tint, palette.bad_tint, palette.doubtful_tint, palette.none_tint]


def _strong(palette: Palette) -> list[str]:
    return [palette.good, palette.bad, palette.doubtful, palette.none]


def _alt(days: Sequence[Day]) -> str:
    if not days:
        return "Calendar of no days."
    told = [
        f"{counted(sum(day.standing is standing for day in days), 'day')} {words}"
        for standing, words in WORDS.items()
        if any(day.standing is standing for day in days)
    ]
    missed = sorted((day for day in days if day.standing is Standing.MISSED), key=lambda day: -day.requests.bad)[:5]
    worst = [
        f"{day.day:%-d %B} ({number(day.requests.bad)} bad of {number(day.requests.total)}, {percent(day.requests.sli)} good)"
        for day in missed
    ]
    return (
        f"Calendar of {counted(len(days), 'day')} from {days[0].day:%-d %B %Y} to {days[-1].day:%-d %B %Y}: "
        + ", ".join(told)
        + "."
        + (f" The worst missed: {'; '.join(worst)}." if worst else "")
    )
