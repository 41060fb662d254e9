"""One outage, one page: the slower alerts of an SLO keep quiet while a faster one speaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reporting.slo.alert_group import observe_all
from reporting.slo.alert_state import AlertState, acknowledge
from reporting.slo.signals import Signal

if TYPE_CHECKING:
    from reporting.slo.alert_group import Observed
    from reporting.slo.alert_state import Alert
    from reporting.slo.burn_rate_alert import BurnRateAlert

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
B, C, N = Signal.BREACHING, Signal.CLEAR, Signal.NO_DATA


class Group:
    """The four alerts of an SLO, and what was told: minute, index of the alert, state."""

    def __init__(self, rules: tuple[BurnRateAlert, ...]) -> None:
        self.rules = rules
        self.alerts: list[Alert | None] = [None] * len(rules)
        self.told: list[tuple[int, int, AlertState]] = []

    def observe(self, minute: int, *signals: Signal) -> list[Observed]:
        observed = observe_all(
            self.rules,
            self.alerts,
            signals,
            now=START + timedelta(minutes=minute),
            keep_firing_for=timedelta(0),
        )
        self.alerts = [each.alert for each in observed]
        for index, each in enumerate(observed):
            if each.change is not None and each.change.notify:
                self.told.append((minute, index, each.change.state))
        return observed


def test_when_all_breach_at_once_only_the_fastest_speaks(workbook: tuple[BurnRateAlert, ...]) -> None:
    group = Group(workbook)

    group.observe(0, B, B, B, B)

    assert group.told == [(0, 0, AlertState.FIRING)]
    assert all(alert is not None and alert.burning for alert in group.alerts)


def test_what_the_slow_ones_remember_of_an_outage_is_told_by_nobody(workbook: tuple[BurnRateAlert, ...]) -> None:
    group = Group(workbook)
    group.observe(0, B, B, B, B)
    group.observe(10, C, B, B, B)
    # The short windows empty after their own length: half an hour, two hours, six.
    group.observe(38, C, C, B, B)
    group.observe(128, C, C, C, B)
    group.observe(368, C, C, C, C)

    assert group.told == [(0, 0, AlertState.FIRING), (10, 0, AlertState.RESOLVED)]


def test_what_burns_on_by_itself_is_told_when_the_memory_of_the_faster_one_is_over(
    workbook: tuple[BurnRateAlert, ...],
) -> None:
    group = Group(workbook)
    group.observe(0, B, B, B, B)
    group.observe(10, C, B, B, B)
    group.observe(39, C, B, B, B)
    group.observe(40, C, B, B, B)

    assert group.told == [(0, 0, AlertState.FIRING), (10, 0, AlertState.RESOLVED), (40, 1, AlertState.FIRING)]


def test_a_faster_alert_speaks_although_a_slower_one_did(workbook: tuple[BurnRateAlert, ...]) -> None:
    group = Group(workbook)
    group.observe(0, C, C, C, B)
    group.observe(5, C, B, B, B)
    group.observe(9, B, B, B, B)

    assert group.told == [(0, 3, AlertState.FIRING), (5, 1, AlertState.FIRING), (9, 0, AlertState.FIRING)]


def test_a_frozen_alert_goes_on_speaking_for_the_slower_ones(workbook: tuple[BurnRateAlert, ...]) -> None:
    group = Group(workbook)
    group.observe(0, B, C, C, C)
    group.observe(60, N, B, B, B)

    assert group.told == [(0, 0, AlertState.FIRING)]


def test_an_acknowledged_alert_goes_on_speaking_for_the_slower_ones(workbook: tuple[BurnRateAlert, ...]) -> None:
    group = Group(workbook)
    group.observe(0, B, C, C, C)
    assert group.alerts[0] is not None
    group.alerts[0], _ = acknowledge(group.alerts[0], now=START)
    group.observe(1, B, B, B, B)

    assert group.told == [(0, 0, AlertState.FIRING)]


def test_what_was_pending_and_cleared_speaks_for_nobody(workbook: tuple[BurnRateAlert, ...]) -> None:
    group = Group((replace(workbook[0], hold=timedelta(minutes=5)), workbook[1]))
    group.observe(0, B, C)
    group.observe(1, C, C)
    group.observe(2, C, B)

    assert group.told == [(2, 1, AlertState.FIRING)]
