"""A chart before it is drawn: a Vega-Lite specification as a plain dictionary, its title with the unit, and its words.

The same specification is drawn as SVG for reports and in the browser for pages. Times are wall-clock times of the reader's
zone that are given and drawn as UTC, so that neither the server's nor the browser's zone moves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domain.calendar import zone_named

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from reporting.charts.palette import Palette

Spec = dict[str, Any]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
FONT = "Inter, Arial, sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`name` is fit for an id. `alt` says in numbers what the chart shows, for those who do not see it."""

    name: str
    title: str
    alt: str
    spec: Spec


def specification(body: Spec, *, width: int, height: int, palette: Palette) -> Spec:
    """Return a whole specification of what is drawn (`mark` and `encoding`, or `layer`), in our style.

    `width` is that of the whole figure with its axes, `height` that of its plot, both in pixels.
    """
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "background": "transparent",
        "padding": 1,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": palette.muted,
                "labelFontSize": 9,
                "titleColor": palette.muted,
                "titleFontSize": 9,
                "titleFontWeight": "normal",
                "domainColor": palette.grid,
                "tickColor": palette.grid,
                "gridColor": palette.grid,
                "tickSize": 3,
                "labelPadding": 3,
            },
            "legend": {"labelColor": palette.muted, "labelFontSize": 9, "symbolStrokeWidth": 0, "titleFontSize": 9},
        },
        **body,
    }


def wall_clock(at: datetime, zone: str) -> str:
    """Return what the clocks of a zone show, written as if they were UTC's."""
    return f"{at.astimezone(zone_named(zone)):%Y-%m-%dT%H:%M:%S}Z"


def plain(value: Decimal | None) -> float | None:
    """Return a figure for drawing; a gap stays one."""
    return None if value is None else float(value)


def time_axis(start: str, end: str, **more: object) -> Spec:
    """Return the encoding of time from left to right, over the whole of a period (wall-clock times)."""
    return {
        "field": "at",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [start, end], "nice": False},
        "axis": {
            "title": None,
            "format": "%-d %b",
            "grid": False,
            "tickCount": 5,
            "labelOverlap": "greedy",
            "labelSeparation": 8,
            **more,
        },
    }
