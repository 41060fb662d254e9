"""Pairs of alert windows that others have published, as data, each with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from reporting.slo.burn_rate_alert import AlertSeverity, WindowPair

_PAGE, _TICKET = AlertSeverity.PAGE, AlertSeverity.TICKET


@dataclass(frozen=True, slots=True)
class AlertWindows:
    """Pairs for an SLO, fastest first, and their source."""

    name: str
    source: str
    pairs: tuple[WindowPair, ...]


def _share(severity: AlertSeverity, percent: str, long_window: timedelta, short_window: timedelta) -> WindowPair:
    share = Decimal(percent).scaleb(-2)
    return WindowPair(severity=severity, long_window=long_window, short_window=short_window, budget_share=share)


def _factor(
    factor: str, *, severity: AlertSeverity, windows: tuple[timedelta, timedelta], hold: timedelta
) -> WindowPair:
    long_window, short_window = windows
    return WindowPair(
        severity=severity, long_window=long_window, short_window=short_window, factor=Decimal(factor), hold=hold
    )


def _minutes(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


def _hours(hours: int) -> timedelta:
    return timedelta(hours=hours)


WORKBOOK = AlertWindows(
    "workbook",
    "The Site Reliability Workbook, chapter 5, table 5-8, with the second ticket of https://github.com/slok/sloth",
    (
        _share(_PAGE, "2", _hours(1), _minutes(5)),
        _share(_PAGE, "5", _hours(6), _minutes(30)),
        _share(_TICKET, "10", _hours(24), _hours(2)),
        _share(_TICKET, "10", _hours(72), _hours(6)),
    ),
)
"""The shipped ones. At 30 days 14.4, 6, 3 and 1; a short window is a twelfth of its long one."""

WEEK = AlertWindows(
    "week",
    "https://github.com/slok/sloth examples/windows/7d.yaml: larger shares of a budget that is itself small",
    (
        _share(_PAGE, "8", _hours(1), _minutes(5)),
        _share(_PAGE, "12.5", _hours(6), _minutes(30)),
        _share(_TICKET, "20", _hours(24), _hours(2)),
        _share(_TICKET, "42", _hours(72), _hours(6)),
    ),
)

FASTER = AlertWindows(
    "faster",
    "https://github.com/slok/sloth examples/windows/custom-30d.yaml: half as long, half as much",
    (
        _share(_PAGE, "1", _minutes(30), _minutes(2)),
        _share(_PAGE, "2", _hours(3), _minutes(15)),
        _share(_TICKET, "5", _hours(12), _hours(1)),
        _share(_TICKET, "5", _hours(36), _hours(3)),
    ),
)

PYRRA = AlertWindows(
    "pyrra",
    "https://github.com/pyrra-dev/pyrra slo/rules.go for 28 days: fixed burn rates, for those who come from there",
    (
        _factor("14", severity=_PAGE, windows=(_hours(1), _minutes(5)), hold=_minutes(2)),
        _factor("7", severity=_PAGE, windows=(_hours(6), _minutes(30)), hold=_minutes(15)),
        _factor("2", severity=_TICKET, windows=(_hours(24), _hours(2)), hold=_hours(1)),
        _factor("1", severity=_TICKET, windows=(_hours(96), _hours(6)), hold=_hours(3)),
    ),
)

CATALOGUE = {windows.name: windows for windows in (WORKBOOK, WEEK, FASTER, PYRRA)}
