"""The page as HTML that needs nothing else: its style is inside, and there is no script."""

from __future__ import annotations

import base64
import hashlib
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from dashboards.status import writing
from dashboards.status.bars import TOPS, picture_of
from dashboards.status.state import State

if TYPE_CHECKING:
    from datetime import date, timedelta

    from jinja2 import Template

    from dashboards.status.model import Service, StatusPage
    from reporting.publication.publication import PublishedIncident

_AGE = "<!-- age -->"
"""Where a page that could not be made again says so."""
_OLD = Markup(
    '<p class="old" role="status"><strong>This is how it was {age} ago.</strong> '
    "Newer figures cannot be had at the moment; we are on it.</p>"
)


def html_of(page: StatusPage) -> bytes:
    """Return the page."""
    return (
        _template()
        .render(
            page=page,
            style=Markup(_text("status.css")),  # noqa: S704 - Our own file.
            pictures={service.name: picture_of(service) for service in page.services},
            past=[(day, *_of_day(page, day)) for day in page.past_days],
            states=list(State),
            State=State,
            tops=TOPS,
            good_ratio=_good_ratio,
            **{name: getattr(writing, name) for name in _WRITING},
        )
        .encode("utf-8", "replace")
    )


def with_age(html: bytes, age: timedelta) -> bytes:
    """Let a page say how old it is."""
    return html.replace(_AGE.encode(), _OLD.format(age=writing.length_text(age)).encode(), 1)


@cache
def policy() -> str:
    """Return the Content-Security-Policy: the page's own style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_text("status.css").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def badge_name(service: str) -> str:
    """Return the file of a service's badge, as a part of an address and of a path alike."""
    return f"{quote(service, safe='')}.svg"


def _good_ratio(service: Service) -> Fraction | None:
    good, total = service.counts
    return Fraction(good, total) if total else None


_WRITING = (
    "percent",
    "target_text",
    "day_text",
    "short_day",
    "moment",
    "clock",
    "span_text",
    "length_text",
    "zone_text",
)


def _of_day(page: StatusPage, day: date) -> tuple[list[PublishedIncident], list[PublishedIncident]]:
    """Return the incidents that began on a day: those that are over, and those that go on."""
    began = [each for each in page.incidents if each.started_at.astimezone(page.zone).date() == day]
    return [each for each in began if each.resolved_at], [each for each in began if not each.resolved_at]


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text("status.html"))


@cache
def _text(name: str) -> str:
    return files("dashboards.status").joinpath(name).read_text("utf-8")
