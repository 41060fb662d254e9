"""A report as one HTML document that needs nothing else: for screens and phones, and, with a size of paper, for PDF.

Everything from outside is escaped and cleared of what is not text. A browser lets no script run in it and nothing be loaded,
whatever a name holds: the document says so itself.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from reporting.reports import shortened
from reporting.reports.templating import environment, facts
from reporting.reports.terms import GLOSSARY

if TYPE_CHECKING:
    from reporting.reports.archive import Paper
    from reporting.reports.figure_set import FigureSet
    from reporting.reports.model import Incident, Report

TOLD = 8
"""So many incidents are told one by one, those with the most bad requests; the others in a table."""
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
    return environment().get_template("report.html").render(
        **facts(report),
        figures=figures,
        style=Markup(style),  # noqa: S704 - Of our own files alone.
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        told=[each for each in numbered if each[0] in told],
        in_short=[each for each in numbered if each[0] not in told],
        names={promise.slo: promise.name for promise in report.promises},
        by_slo={promise.slo: promise for promise in report.promises},
        glossary=GLOSSARY,
        accounts=shortened.accounts(report),
        routes=shortened.routes(report),
    )  # fmt: skip


def _hurt(numbered: tuple[int, Incident]) -> tuple[int, int]:
    number, incident = numbered
    return -incident.requests_bad, number


@cache
def _style(paper: Paper | None) -> str:
    styles = Environment(loader=PackageLoader("reporting.reports"), autoescape=False)  # noqa: S701 - CSS, of our own files alone.
    names = ("report.css", "paper.css") if paper else ("report.css",)
    return "".join(styles.get_template(name).render(paper=paper, fonts=FONTS) for name in names)
