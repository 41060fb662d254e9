"""How long routes take: from P50 over P95 to P99, on a scale on which ten times as long is always as far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import Figure, plain, specification
from reporting.charts.palette import LIGHT
from reporting.wording import milliseconds, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.reports.model import Route

MOST = 12
_ROW = 17
_LEAST_MS = 0.1


def latency(routes: Sequence[Route], *, width: int = 676, palette: Palette = LIGHT) -> Figure:
    """Draw up to twelve routes that have durations."""
    timed = [route for route in routes if route.p50_ms is not None][:MOST]
    labels = [f"{short(route.method, 8)} {short(route.route, 34)}" for route in timed]
    values = [
        {"route": label, "percentile": name, "ms": max(plain(value) or 0.0, _LEAST_MS)}
        for label, route in zip(labels, timed, strict=True)
        for name, value in (("P50", route.p50_ms), ("P95", route.p95_ms), ("P99", route.p99_ms))
        if value is not None
    ]
    y: Spec = {
        "field": "route",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "domain": False, "ticks": False, "labelLimit": 220, "labelColor": palette.ink},
    }
    x: Spec = {
        "field": "ms",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False, "padding": 8},
        "axis": {"title": "milliseconds, logarithmic", "format": ",.4~r", "tickCount": 5, "domain": False},
    }
    named: Spec = {"field": "percentile", "type": "nominal", "scale": {"domain": ["P50", "P95", "P99"]}}
    legend: Spec = {"title": None, "orient": "top", "direction": "horizontal", "symbolSize": 34}
    body: Spec = {
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 2.5, "color": palette.accent_tint},
                "encoding": {"y": y, "x": x, "detail": {"field": "route"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": x,
                    "shape": named | {"scale": {"domain": ["P50", "P95", "P99"], "range": ["circle", "square", "diamond"]}, "legend": legend},
                    "color": named | {"scale": {"domain": ["P50", "P95", "P99"], "range": [palette.faint, palette.accent, palette.ink]}, "legend": legend},
                },
            },
        ],
    }  # fmt: skip
    told = [
        f"{label}: {milliseconds(route.p50_ms)}, {milliseconds(route.p95_ms)}, {milliseconds(route.p99_ms)}"
        for label, route in zip(labels, timed, strict=True)
    ]
    return Figure(
        name="latency",
        title="Time to answer by route: P50, P95, P99, ms",
        alt=f"P50, P95 and P99 by route. {'; '.join(told)}." if told else "Time to answer by route: no data.",
        spec=specification(body, width=width, height=_ROW * max(len(timed), 1), palette=palette),
    )
