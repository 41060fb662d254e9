"""Why requests were bad: a bar for each reason, the longest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.charts.figure import Figure, specification
from reporting.charts.palette import LIGHT
from reporting.wording import counted, number, share, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.charts.figure import Spec
    from reporting.charts.palette import Palette
    from reporting.reports.model import Reason

MOST = 8
_BAR = 17


def reasons(found: Sequence[Reason], *, width: int = 330, palette: Palette = LIGHT) -> Figure:
    """Draw up to eight reasons; counts and shares stand at the bars."""
    shown = found[:MOST]
    values = [
        {
            "reason": f"{reason.status} {short(reason.reason, 26)}",
            "bad": reason.bad,
            "label": f"{number(reason.bad)}  ({share(reason.share)})",
        }
        for reason in shown
    ]
    y: Spec = {
        "field": "reason",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "domain": False, "ticks": False, "labelLimit": 160, "labelColor": palette.ink},
        "scale": {"paddingInner": 0.35},
    }
    most = max((reason.bad for reason in shown), default=1)
    x: Spec = {"field": "bad", "type": "quantitative", "axis": None, "scale": {"domain": [0, most * 1.75]}}
    body: Spec = {
        "data": {"values": values},
        "encoding": {"y": y, "x": x},
        "layer": [
            {"mark": {"type": "bar", "color": palette.bad}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 9, "color": palette.ink},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    }
    told = [f"{reason.status} {short(reason.reason)}: {number(reason.bad)}, {share(reason.share)}" for reason in shown]
    rest = f" {counted(len(found) - MOST, 'more reason')} in the table." if len(found) > MOST else ""
    return Figure(
        name="reasons",
        title="Bad requests by reason, and their share of all bad ones",
        alt=(f"Bad requests by reason. {'; '.join(told)}." if told else "No request was bad.") + rest,
        spec=specification(body, width=width, height=_BAR * max(len(values), 1), palette=palette),
    )
