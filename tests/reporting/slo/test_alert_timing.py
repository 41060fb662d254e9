"""When alerts fire and end: the workbook's numbers, and a simulation minute by minute that agrees with the formula."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.slo.alert_timing import budget_spent_at_detection, detection_time, reset_time
from reporting.slo.burn_rate_alert import AlertSeverity, BurnRateAlert
from reporting.slo.objective import Objective
from reporting.slo.series import MinuteSeries
from reporting.slo.signals import Signal, signal

MINUTE = timedelta(minutes=1)


def minutes(length: timedelta | None) -> float | None:
    return None if length is None else length / MINUTE


# Detection and reset in a total outage, derived from chapter 5 of the SRE workbook ((1 - SLO) / error ratio · window ·
# burn rate), recomputed; the workbook itself has 52 s, 2 min 10 s and 4 min 19 s for 99.9 %.
@pytest.mark.parametrize(
    ("target", "detection", "reset"),
    [
        ("0.999", [0.864, 2.16, 4.32, 4.32], [4.93, 29.82, 119.64, 359.64]),
        ("0.99", [8.64, 21.6, 43.2, 43.2], [4.28, 28.2, 116.4, 356.4]),
        ("0.95", [43.2, 108, 216, 216], [1.4, 21, 102, 342]),
        ("0.9", [None, 216, 432, 432], [None, 12, 84, 324]),
    ],
)
def test_the_workbook_s_alerts_in_a_total_outage(
    target: str, detection: list[float | None], reset: list[float | None], workbook: tuple[BurnRateAlert, ...]
) -> None:
    objective = Objective(target=Decimal(target))

    assert [minutes(detection_time(alert, objective)) for alert in workbook] == pytest.approx(detection)
    assert [minutes(reset_time(alert, objective)) for alert in workbook] == pytest.approx(reset, abs=0.005)


@pytest.mark.parametrize(
    ("window", "factor", "hold", "detection", "reset"),
    [
        # Iterations 1 to 4 of chapter 5, at 99.9 %: one window, no short one.
        pytest.param("0:10", "1", "0:00", 0.6 / 60, None, id="1: target error rate over 10 minutes: 0.6 s"),
        pytest.param("36:00", "1", "0:00", 2 + 9.6 / 60, None, id="2: over 36 hours: 2 min 10 s"),
        pytest.param("0:01", "1", "1:00", 60 + 0.06 / 60, None, id="3: for an hour: 1 h"),
        pytest.param("1:00", "36", "0:00", 2 + 9.6 / 60, 57.84, id="4: burn rate 36: 2 min 10 s, reset after 58 min"),
    ],
)
def test_the_workbook_s_first_iterations(
    window: str, factor: str, hold: str, detection: float, reset: float | None
) -> None:
    def length(text: str) -> timedelta:
        return timedelta(hours=int(text.split(":", maxsplit=1)[0]), minutes=int(text.split(":")[1]))

    alert = BurnRateAlert(
        severity=AlertSeverity.PAGE,
        factor=Fraction(factor),
        long_window=length(window),
        short_window=None,
        hold=length(hold),
    )
    objective = Objective(target=Decimal("0.999"))

    assert minutes(detection_time(alert, objective)) == pytest.approx(detection)
    if reset is not None:
        assert minutes(reset_time(alert, objective)) == pytest.approx(reset)


def test_a_burn_rate_of_35_never_reaches_an_alert_of_36() -> None:
    alert = BurnRateAlert(
        severity=AlertSeverity.PAGE, factor=Fraction(36), long_window=timedelta(hours=1), short_window=None
    )
    objective = Objective(target=Decimal("0.999"))

    assert detection_time(alert, objective, Decimal("0.035")) is None
    assert reset_time(alert, objective, Decimal("0.036")) is None
    assert detection_time(alert, objective, Decimal("0.0361")) is not None


def test_what_is_spent_when_it_fires_is_the_share_it_was_made_for(workbook: tuple[BurnRateAlert, ...]) -> None:
    spent = [budget_spent_at_detection(alert, timedelta(days=30)) for alert in workbook]

    assert spent == [Decimal("0.02"), Decimal("0.05"), Decimal("0.1"), Decimal("0.1")]


@pytest.mark.parametrize("ratio", ["0", "-0.1", "1.1"])
def test_an_error_ratio_outside_of_nought_to_one_is_refused(ratio: str, workbook: tuple[BurnRateAlert, ...]) -> None:
    with pytest.raises(ValueError, match="error ratio"):
        detection_time(workbook[0], Objective(target=Decimal("0.999")), Decimal(ratio))


REQUESTS = 100_000
"""A minute: enough for any ratio of three digits, and for every number of errors to be significant."""


@settings(max_examples=60, deadline=None)
@given(
    factor=st.integers(1, 200).map(lambda tenths: Fraction(tenths, 10)),
    target=st.integers(900, 999).map(lambda nines: Decimal(nines).scaleb(-3)),
    ratio=st.integers(1, 1000).map(lambda errors: Decimal(errors).scaleb(-3)),
    short=st.integers(1, 30),
    times=st.integers(2, 12),
)
def test_the_formulas_agree_with_a_simulation_minute_by_minute(
    factor: Fraction, target: Decimal, ratio: Decimal, short: int, times: int
) -> None:
    long = short * times
    alert = BurnRateAlert(
        severity=AlertSeverity.PAGE, factor=factor, long_window=long * MINUTE, short_window=short * MINUTE
    )
    objective = Objective(target=target)
    begins, ends = long, 3 * long
    good = [REQUESTS] * begins + [int(REQUESTS * (1 - ratio))] * (ends - begins) + [REQUESTS] * long
    series = MinuteSeries(range(len(good)), good, [REQUESTS] * len(good))

    def fires(minute: int) -> bool:
        found = signal(
            alert,
            objective,
            long=series.counts(minute - long, minute),
            short=series.counts(minute - short, minute),
        )
        return found is Signal.BREACHING

    firing = [minute for minute in range(begins, len(good) + 1) if fires(minute)]
    detection, reset = detection_time(alert, objective, ratio), reset_time(alert, objective, ratio)

    if detection is None or reset is None:
        assert firing == []
        return
    # Evaluated once a minute, each is seen at the next whole minute; at the limit itself nothing fires.
    assert firing[0] - begins == math.floor(detection / MINUTE) + 1
    assert firing[-1] - ends == math.ceil(reset / MINUTE) - 1
