"""Periods and scopes of reports as pages name them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.domain.calendar import Calendar, Unit, UnknownPeriodError, UnknownZoneError
from reporting.reports.figures.periods import title_of_period
from reporting.reports.figures.scoping import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.reports.archive import ReportOrder

_OFFERED = {"Months": (Unit.MONTH, 12), "Weeks": (Unit.WEEK, 12)}
_BETWEEN = re.compile(r"[\s,;]+")


def title_of(order: ReportOrder) -> str:
    """Return the period of an order in words."""
    try:
        return title_of_period(order.span)
    except (UnknownPeriodError, UnknownZoneError):
        return order.period


def about(order: ReportOrder) -> str:
    """Return whom an order is of, as the beginning of a line."""
    words = words_of(order.scope)
    return f"{words[:1].upper()}{words[1:]}"


def period_choices(timezone: str, now: datetime) -> dict[str, Sequence[tuple[str, str]]]:
    """Return the periods that are offered: the last one that is over first, the one that goes on last of its group."""
    choices: dict[str, Sequence[tuple[str, str]]] = {}
    for group, (unit, most) in _OFFERED.items():
        current = Calendar(unit, timezone).at(now)
        past, period = [], current
        for _ in range(most):
            period = period.previous()
            past.append((period.name, title_of_period(period)))
        choices[group] = [*past, (current.name, f"{title_of_period(current)}, so far")]
    return choices


def addresses_of(text: str) -> list[str]:
    """Return mail addresses that are written with spaces, commas or lines in between, each once."""
    return list(dict.fromkeys(filter(None, _BETWEEN.split(text))))
