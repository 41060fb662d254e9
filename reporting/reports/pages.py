"""A report as one HTML document that needs nothing else: for screens and phones, and, with a size of paper, for PDF.

Everything from outside is escaped and cleared of what is not text. A browser lets no script run in it and nothing be loaded,
whatever a name holds: the document says so itself.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reporting import wording
from reporting.reports.model import Standing
from reporting.reports.terms import BADGES, DECISIONS, GLOSSARY

if TYPE_CHECKING:
    from reporting.reports.figure_set import FigureSet
    from reporting.reports.formats import Paper
    from reporting.reports.model import Incident, Promise, Report

TOLD = 8
"""So many incidents are told one by one, those with the most bad requests; the others in a table."""
AT_A_GLANCE = 6
"""So many promises are on the first page too."""
FONTS = "slipstream-font:"
FIGURES = "slipstream-figure:"
"""What the addresses of fonts and figures begin with; only the process that makes PDFs knows what is behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A figure with its SVG or the address of it; with neither, where nothing could draw it, its words stand in its place."""

    title: str
    alt: str
    svg: Markup | None = None
    source: str = ""


def page(report: Report, figures: FigureSet[Drawn], paper: Paper | None = None) -> str:
    """Return the document; the same report makes the same."""
    style = _style(paper)
    numbered = list(enumerate(report.incidents, 1))
    told = {number for number, _ in sorted(numbered, key=_hurt)[:TOLD]}
    return _environment().get_template("report.html").render(
        report=report,
        figures=figures,
        style=Markup(style),  # noqa: S704 - Of our own files alone.
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        told=[each for each in numbered if each[0] in told],
        in_short=[each for each in numbered if each[0] not in told],
        names={promise.slo: promise.name for promise in report.promises},
        by_slo={promise.slo: promise for promise in report.promises},
        tightest=tightest(report),
        glance=report.promises[:AT_A_GLANCE],
        completeness=completeness(report),
        decisions=DECISIONS,
        badges=BADGES,
        glossary=GLOSSARY,
        few=wording.FEW,
    )  # fmt: skip


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


def _hurt(numbered: tuple[int, Incident]) -> tuple[int, int]:
    number, incident = numbered
    return -incident.requests_bad, number


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reporting.reports"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
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
    return environment


def _finalize(value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    # A number keeps its unit beside it.
    return wording.legible(value).replace(" %", "\u00a0%")


@cache
def _style(paper: Paper | None) -> str:
    styles = Environment(loader=PackageLoader("reporting.reports"), autoescape=False)  # noqa: S701 - CSS, of our own files alone.
    names = ("report.css", "paper.css") if paper else ("report.css",)
    return "".join(styles.get_template(name).render(paper=paper, fonts=FONTS) for name in names)
