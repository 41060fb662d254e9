"""The life of an alert, step by step and under everything at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reporting.slo.alert_state import AlertState, Change, Timing, acknowledge, observe, remove
from reporting.slo.signals import Signal

if TYPE_CHECKING:
    from reporting.slo.alert_state import Alert

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TICK = timedelta(seconds=30)
NOW = Timing()
BREACHING, CLEAR, NO_DATA, LOW_TRAFFIC = Signal.BREACHING, Signal.CLEAR, Signal.NO_DATA, Signal.LOW_TRAFFIC


def at(tick: int) -> datetime:
    return START + tick * TICK


def run(
    *signals: Signal, timing: Timing = NOW, inhibited: tuple[int, ...] = ()
) -> tuple[Alert | None, list[tuple[int, AlertState, bool]]]:
    """Observe a signal a tick; return the alert and every change as tick, state and whether somebody is told."""
    alert: Alert | None = None
    changes: list[tuple[int, AlertState, bool]] = []
    for tick, found in enumerate(signals):
        alert, change = observe(alert, found, now=at(tick), timing=timing, inhibited=tick in inhibited)
        if change is not None:
            changes.append((tick, change.state, change.notify))
    return alert, changes


def firing(**given: object) -> Alert:
    alert, _ = observe(None, BREACHING, now=START, timing=NOW, **given)
    assert alert is not None
    return alert


def test_without_a_hold_a_breach_fires_at_once_and_tells_somebody() -> None:
    _, changes = run(CLEAR, BREACHING, BREACHING)

    assert changes == [(1, AlertState.FIRING, True)]


def test_a_breach_is_pending_until_it_has_held() -> None:
    alert, changes = run(*[BREACHING] * 5, timing=Timing(hold=timedelta(minutes=2)))

    assert changes == [(0, AlertState.PENDING, False), (4, AlertState.FIRING, True)]
    assert alert is not None
    assert (alert.breached_at, alert.since) == (at(0), at(4))


def test_a_pending_alert_that_clears_is_gone_without_a_word_and_begins_anew() -> None:
    timing = Timing(hold=timedelta(minutes=1))

    _, changes = run(BREACHING, BREACHING, CLEAR, BREACHING, BREACHING, timing=timing)

    assert changes == [
        (0, AlertState.PENDING, False),
        (2, AlertState.RESOLVED, False),
        (3, AlertState.PENDING, False),
    ]


def test_a_firing_alert_resolves_once_and_tells_somebody() -> None:
    _, changes = run(BREACHING, CLEAR, CLEAR, CLEAR)

    assert changes == [(0, AlertState.FIRING, True), (1, AlertState.RESOLVED, True)]


def test_a_ratio_at_the_limit_does_not_flap() -> None:
    timing = Timing(keep_firing_for=timedelta(minutes=2))

    _, changes = run(*[BREACHING, CLEAR] * 10, *[CLEAR] * 4, timing=timing)

    assert changes == [(0, AlertState.FIRING, True), (23, AlertState.RESOLVED, True)]


@pytest.mark.parametrize("unknown", [NO_DATA, LOW_TRAFFIC])
def test_not_knowing_never_fires(unknown: Signal) -> None:
    assert run(*[unknown] * 100) == (None, [])


@pytest.mark.parametrize("unknown", [NO_DATA, LOW_TRAFFIC])
def test_not_knowing_never_resolves(unknown: Signal) -> None:
    """Grafana, Prometheus: an absent series resolves the alert, and an outage that stops all traffic looks mended."""
    alert, changes = run(BREACHING, *[unknown] * 10_000)

    assert changes == [(0, AlertState.FIRING, True)]
    assert alert is not None
    assert alert.burning
    assert alert.frozen


def test_time_in_which_nothing_was_known_does_not_count_towards_the_hold() -> None:
    timing = Timing(hold=timedelta(minutes=1))

    _, changes = run(BREACHING, NO_DATA, NO_DATA, NO_DATA, BREACHING, BREACHING, BREACHING, timing=timing)

    assert changes == [(0, AlertState.PENDING, False), (6, AlertState.FIRING, True)]


def test_time_in_which_nothing_was_known_does_not_count_towards_the_end() -> None:
    timing = Timing(keep_firing_for=timedelta(minutes=1))

    _, changes = run(BREACHING, CLEAR, NO_DATA, NO_DATA, NO_DATA, CLEAR, CLEAR, CLEAR, timing=timing)

    assert changes == [(0, AlertState.FIRING, True), (7, AlertState.RESOLVED, True)]


def test_an_inhibited_alert_fires_and_ends_without_telling() -> None:
    _, changes = run(BREACHING, BREACHING, CLEAR, inhibited=(0, 1, 2))

    assert changes == [(0, AlertState.FIRING, False), (2, AlertState.RESOLVED, False)]


def test_what_still_burns_when_it_is_no_longer_inhibited_is_told_then_and_once() -> None:
    _, changes = run(BREACHING, BREACHING, BREACHING, BREACHING, CLEAR, inhibited=(0, 1))

    assert changes == [(0, AlertState.FIRING, False), (2, AlertState.FIRING, True), (4, AlertState.RESOLVED, True)]


def test_what_was_told_is_told_to_be_over_although_inhibited_meanwhile() -> None:
    _, changes = run(BREACHING, BREACHING, CLEAR, inhibited=(1, 2))

    assert changes == [(0, AlertState.FIRING, True), (2, AlertState.RESOLVED, True)]


def test_an_acknowledged_alert_burns_on_and_resolves() -> None:
    alert, change = acknowledge(firing(), now=at(1))
    still, nothing = observe(alert, BREACHING, now=at(2), timing=NOW)
    over, resolved = observe(still, CLEAR, now=at(3), timing=NOW)

    assert change == Change(AlertState.ACKNOWLEDGED, at(1), notify=True)
    assert alert.burning
    assert nothing is None
    assert over is not None
    assert resolved == Change(AlertState.RESOLVED, at(3), notify=True)


def test_what_was_acknowledged_before_anybody_was_told_is_told_to_nobody() -> None:
    acknowledged, change = acknowledge(firing(inhibited=True), now=at(1))
    still, nothing = observe(acknowledged, BREACHING, now=at(2), timing=NOW)
    over, resolved = observe(still, CLEAR, now=at(3), timing=NOW)

    assert change == Change(AlertState.ACKNOWLEDGED, at(1), notify=False)
    assert nothing is None
    assert over is not None
    assert resolved == Change(AlertState.RESOLVED, at(3), notify=False)


def test_only_a_firing_alert_is_acknowledged_and_once() -> None:
    acknowledged, _ = acknowledge(firing(), now=at(1))
    resolved, _ = observe(firing(), CLEAR, now=at(1), timing=NOW)
    assert resolved is not None

    assert acknowledge(acknowledged, now=at(2)) == (acknowledged, None)
    assert acknowledge(resolved, now=at(2)) == (resolved, None)


def test_the_alert_of_an_slo_that_is_no_more_is_removed_and_not_resolved() -> None:
    removed, change = remove(firing(), now=at(1))

    assert change == Change(AlertState.REMOVED, at(1), notify=True)
    assert removed.over
    assert remove(removed, now=at(2)) == (removed, None)


def test_an_alert_nobody_was_told_of_is_removed_without_a_word() -> None:
    _, change = remove(firing(inhibited=True), now=at(1))

    assert change == Change(AlertState.REMOVED, at(1), notify=False)


def test_what_breaches_after_the_end_is_a_new_alert() -> None:
    alert, changes = run(BREACHING, CLEAR, CLEAR, BREACHING)

    assert changes[-1] == (3, AlertState.FIRING, True)
    assert alert is not None
    assert alert.breached_at == at(3)


def test_a_clock_that_goes_back_does_not_count() -> None:
    timing = Timing(hold=timedelta(minutes=1))
    alert, _ = observe(None, BREACHING, now=at(10), timing=timing)
    alert, change = observe(alert, BREACHING, now=at(2), timing=timing)

    assert change is None
    assert alert is not None
    assert alert.state is AlertState.PENDING


@given(st.lists(st.sampled_from(list(Signal)), max_size=60), st.integers(0, 4), st.integers(0, 4))
def test_somebody_is_told_of_firing_and_of_its_end_in_turn(signals: list[Signal], hold: int, keep: int) -> None:
    timing = Timing(hold=hold * TICK, keep_firing_for=keep * TICK)

    _, changes = run(*signals, timing=timing)

    told = [state for _, state, notify in changes if notify]
    assert told == [AlertState.FIRING if index % 2 == 0 else AlertState.RESOLVED for index in range(len(told))]


class AnAlert(RuleBasedStateMachine):
    """Everything that can happen to an alert, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.alert: Alert | None = None
        self.told = False
        self.last: Signal | None = None

    def take(self, alert: Alert | None, change: Change | None) -> None:
        before = self.alert
        self.alert = alert
        if change is None:
            assert (before and before.state) == (alert and alert.state)
            return
        assert alert is not None
        assert change.state is alert.state
        if change.notify and change.state is AlertState.FIRING:
            assert not self.told
            self.told = True
        elif change.notify and alert.over:
            assert self.told
            self.told = False
        elif alert.over:
            assert not self.told

    @rule(found=st.sampled_from(list(Signal)), ticks=st.integers(1, 10), inhibited=st.booleans())
    def evaluate(self, found: Signal, ticks: int, inhibited: bool) -> None:
        self.now += ticks * TICK
        before, timing = self.alert, Timing(hold=3 * TICK, keep_firing_for=2 * TICK)
        self.take(*observe(before, found, now=self.now, timing=timing, inhibited=inhibited))
        if found in {NO_DATA, LOW_TRAFFIC}:
            assert (before and before.state) == (self.alert and self.alert.state)

    @rule()
    def acknowledge(self) -> None:
        if self.alert is not None:
            self.take(*acknowledge(self.alert, now=self.now))

    @rule()
    def remove(self) -> None:
        if self.alert is not None:
            self.take(*remove(self.alert, now=self.now))

    @invariant()
    def somebody_knows_of_it_exactly_while_it_says_so(self) -> None:
        if self.alert is not None and not self.alert.over:
            assert self.alert.notified is self.told


TestAnAlert = AnAlert.TestCase
