"""Alerts on plain figures, and on silence: what they say of counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.slo.burn_rate_alert import AlertSeverity
from reporting.slo.counts import Counts
from reporting.slo.no_data_alert import NoDataAlert
from reporting.slo.objective import Objective
from reporting.slo.replay import replay
from reporting.slo.series import MinuteSeries
from reporting.slo.signals import Signal, signal
from reporting.slo.threshold_alert import Figure, ThresholdAlert
from reporting.slo.windows import CompliancePeriod, instant_of, minute_of

OBJECTIVE = Objective(target=Decimal("0.99"))
FIRST = 29_000_000


def alert(
    error_ratio: Fraction | None = Fraction(1, 20), *, inclusive: bool = False, hold: int = 0, severity: str = "ticket"
) -> ThresholdAlert:
    return ThresholdAlert(
        figure=Figure.ERROR_RATE,
        severity=AlertSeverity(severity),
        window=timedelta(minutes=10),
        error_ratio=error_ratio,
        text="error_rate > 5%",
        hold=timedelta(minutes=hold),
        inclusive=inclusive,
    )


@pytest.mark.parametrize(
    ("bad", "total", "found"),
    [
        (0, 0, Signal.NO_DATA),
        (50, 1_000, Signal.CLEAR),
        (51, 1_000, Signal.BREACHING),
        (1, 10, Signal.LOW_TRAFFIC),
        (10, 10, Signal.BREACHING),
    ],
)
def test_it_is_compared_without_rounding_and_with_enough_events_alone(bad: int, total: int, found: Signal) -> None:
    assert signal(alert(), OBJECTIVE, long=Counts(total - bad, total), short=None) is found


def test_at_the_limit_an_inclusive_one_is_breached() -> None:
    assert signal(alert(inclusive=True), OBJECTIVE, long=Counts(950, 1_000), short=None) is Signal.BREACHING


def test_the_target_is_that_of_the_objective_that_holds() -> None:
    assert alert(None).limit(OBJECTIVE) == Fraction(1, 100)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=300), st.integers(1, 60))
def test_a_percentile_is_above_a_limit_when_more_than_its_share_is(durations: list[int], limit: int) -> None:
    """P99 by its definition: the smallest duration that 99 % do not exceed."""
    p99 = sorted(durations)[-(-99 * len(durations) // 100) - 1]
    slow = sum(duration >= limit for duration in durations)

    share = Figure.P99.slower
    assert share is not None
    assert (p99 >= limit) is (slow > share * len(durations))


def test_silence_is_breached_clear_or_not_known() -> None:
    silence = NoDataAlert(severity=AlertSeverity.PAGE, window=timedelta(minutes=5), hold=timedelta(0))

    assert silence.signal(Counts(0, 0), excluded=False) is Signal.BREACHING
    assert silence.signal(Counts(0, 0), excluded=True) is Signal.NO_DATA
    assert silence.signal(Counts(0, 1), excluded=True) is Signal.CLEAR
    assert silence.signal(None, excluded=False) is Signal.NO_DATA


def test_a_replay_says_how_often_it_would_have_been_told() -> None:
    good = [100] * 2_000
    good[500:520] = [90] * 20
    series = MinuteSeries(range(FIRST, FIRST + 2_000), good, [100] * 2_000)
    period = CompliancePeriod(instant_of(FIRST), instant_of(FIRST + 2_000))

    (page,) = replay((), OBJECTIVE, series, period, thresholds=[(alert(hold=2), series)])

    # Six of ten minutes with 10 % are above 5 % (of one, five would be at it), and two more pass.
    assert minute_of(page.at) - FIRST == 500 + 6 + 2
    assert page.until is not None
    assert minute_of(page.until) - FIRST == 520 + 5 + 2
