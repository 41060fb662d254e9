"""What the templates of reports have in common: escaping, the words of numbers, and facts that more than one shows."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reporting import wording
from reporting.reports.model import Standing
from reporting.reports.terms import BADGES, DECISIONS

if TYPE_CHECKING:
    from reporting.reports.model import Promise, Report

# Hebrew, Arabic and their kin, which are written from right to left and turn what stands beside them.
_TURNING = re.compile("[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
AT_A_GLANCE = 6
"""So many promises are on the first page too."""


def facts(report: Report) -> dict[str, Any]:
    """Return what every template may show."""
    return {
        "report": report,
        "tightest": tightest(report),
        "glance": report.promises[:AT_A_GLANCE],
        "completeness": completeness(report),
        "decisions": DECISIONS,
        "badges": BADGES,
        "few": wording.FEW,
    }


def tightest(report: Report) -> Promise | None:
    """Return the promise with the least budget left of those that were judged."""
    judged = [promise for promise in report.promises if promise.standing in {Standing.KEPT, Standing.MISSED}]
    known = [promise for promise in judged if promise.remaining_ratio is not None]
    return min(known, key=lambda promise: promise.remaining_ratio or 0, default=None)


def completeness(report: Report) -> str:
    """Return in a few words whether anything is missing of what a report counts."""
    gaps = sum(day.standing is Standing.NO_DATA for day in report.days)
    days = f"{gaps} of {wording.counted(len(report.days), 'day')} without data" if gaps else "data of every day"
    counted = report.completeness
    if counted is None or counted.balanced is None:
        return days
    return f"{days}, events {'add up' if counted.balanced else 'do not add up'}"


@cache
def environment() -> Environment:
    """Return the templates, which escape and clear whatever they show."""
    shared = Environment(
        loader=PackageLoader("reporting.reports"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared.tests["turning"] = _TURNING.search
    shared.filters |= {
        "bad_percent": wording.bad_percent,
        "counted": wording.counted,
        "date_and_time": wording.date_and_time,
        "day_and_time": wording.day_and_time,
        "milliseconds": wording.milliseconds,
        "minus": lambda text: text.replace("-", "\u2212"),
        "number": wording.number,
        "percent": wording.percent,
        "points": wording.points,
        "share": wording.share,
        "short": wording.short,
        "span": wording.span,
        "target": wording.target_percent,
    }
    return shared


def _finalize(value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    # A number keeps its unit beside it.
    return wording.legible(value).replace(" %", "\u00a0%")
