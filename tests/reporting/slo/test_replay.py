"""How often a policy would have told somebody: the fast sums agree with evaluating minute by minute."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.slo.alert_group import observe_all
from reporting.slo.alert_state import AlertState
from reporting.slo.budgeting import budget_series
from reporting.slo.burn_rate_alert import AlertSeverity, BurnRateAlert, fastest_first
from reporting.slo.objective import BudgetingMethod, Objective
from reporting.slo.replay import replay
from reporting.slo.series import MinuteSeries
from reporting.slo.signals import signal
from reporting.slo.windows import MINUTE, CompliancePeriod, instant_of, minute_of

if TYPE_CHECKING:
    import random

    from reporting.slo.alert_state import Alert

FIRST = 29_000_000


def period(start: int, end: int) -> CompliancePeriod:
    return CompliancePeriod(instant_of(FIRST + start), instant_of(FIRST + end))


def traffic(minutes: int, *outages: tuple[int, int, str], rate: int = 1_000) -> MinuteSeries:
    """Steady requests with outages of an error ratio from a minute up to another."""
    good = [rate] * minutes
    for start, end, ratio in outages:
        good[start:end] = [int(rate * (1 - Decimal(ratio)))] * (end - start)
    return MinuteSeries(range(FIRST, FIRST + minutes), good, [rate] * minutes)


def told(
    alerts: tuple[BurnRateAlert, ...], objective: Objective, series: MinuteSeries, end: int
) -> list[tuple[str, int, int | None]]:
    return [
        (
            f"{page.alert.severity} {page.alert.long_window // timedelta(hours=1)}h",
            minute_of(page.at) - FIRST,
            None if page.until is None else minute_of(page.until) - FIRST,
        )
        for page in replay(alerts, objective, series, period(0, end))
    ]


def test_a_quiet_month_tells_nobody(workbook: tuple[BurnRateAlert, ...], three_nines: Objective) -> None:
    assert told(workbook, three_nines, traffic(43_200), 43_200) == []


def test_an_outage_of_ten_minutes_is_one_page(workbook: tuple[BurnRateAlert, ...], three_nines: Objective) -> None:
    series = traffic(10_000, (5_000, 5_010, "1"))

    # Seen after one minute; over when five minutes hold no more than 14.4 per mille, and two more.
    assert told(workbook, three_nines, series, 10_000) == [("page 1h", 5_001, 5_017)]


def test_a_slow_burn_is_one_ticket(workbook: tuple[BurnRateAlert, ...], three_nines: Objective) -> None:
    series = traffic(20_000, (5_000, 15_000, "0.002"))

    pages = told(workbook, three_nines, series, 20_000)

    # A burn rate of 2: after half of three days, as its whole limit is 1.
    assert [name for name, _, _ in pages] == ["ticket 72h"]
    assert pages[0][1] == 5_000 + 2_161


def test_an_outage_that_goes_over_into_a_slow_burn_is_told_twice(
    workbook: tuple[BurnRateAlert, ...], three_nines: Objective
) -> None:
    series = traffic(20_000, (5_000, 5_030, "1"), (5_030, 15_000, "0.008"))

    assert [name for name, _, _ in told(workbook, three_nines, series, 20_000)] == ["page 1h", "page 6h"]


def test_what_burns_to_the_end_is_not_over(workbook: tuple[BurnRateAlert, ...], three_nines: Objective) -> None:
    assert told(workbook, three_nines, traffic(1_000, (900, 1_000, "1")), 1_000) == [("page 1h", 901, None)]


def test_an_outage_that_ends_all_traffic_does_not_look_mended(
    workbook: tuple[BurnRateAlert, ...], three_nines: Objective
) -> None:
    before = traffic(930, (900, 930, "1"))

    assert told(workbook, three_nines, before, 3_000) == [("page 1h", 901, None)]


def test_failures_in_the_night_of_a_small_service_wake_nobody(
    workbook: tuple[BurnRateAlert, ...], three_nines: Objective
) -> None:
    requests = range(FIRST, FIRST + 1_440, 6)
    good = [0 if index % 40 == 0 else 1 for index in range(len(requests))]

    pages = told(workbook, three_nines, MinuteSeries(requests, good, [1] * len(requests)), 1_440)

    # Six of 240 requests are a burn rate of 25, which is a ticket for the day.
    assert pages
    assert {name for name, _, _ in pages} == {"ticket 24h"}


def test_windows_look_back_before_the_period(workbook: tuple[BurnRateAlert, ...], three_nines: Objective) -> None:
    series = traffic(1_000, (100, 110, "1"))

    pages = replay(workbook, three_nines, series, period(105, 1_000))

    assert [minute_of(page.at) - FIRST for page in pages] == [106]


def slowly(
    alerts: tuple[BurnRateAlert, ...], objective: Objective, series: MinuteSeries, end: int
) -> list[tuple[BurnRateAlert, int]]:
    """The same, every minute from the public functions alone."""
    rules = fastest_first(alerts)
    standing: list[Alert | None] = [None] * len(rules)
    found: list[tuple[BurnRateAlert, int]] = []
    for minute in range(FIRST + 1, FIRST + end + 1):
        signals = [
            signal(
                rule,
                objective,
                long=series.counts(minute - rule.long_window // MINUTE, minute),
                short=None
                if rule.short_window is None
                else series.counts(minute - rule.short_window // MINUTE, minute),
            )
            for rule in rules
        ]
        observed = observe_all(rules, standing, signals, now=instant_of(minute))
        standing = [each.alert for each in observed]
        found += [
            (rule, minute)
            for rule, each in zip(rules, observed, strict=True)
            if each.change and each.change.notify and each.change.state is AlertState.FIRING
        ]
    return found


rules = st.builds(
    lambda factor, short, times, page, hold, inclusive: BurnRateAlert(
        severity=AlertSeverity.PAGE if page else AlertSeverity.TICKET,
        factor=Fraction(factor, 2),
        long_window=short * times * MINUTE,
        short_window=None if hold > 3 else short * MINUTE,
        hold=hold * MINUTE,
        inclusive=inclusive,
    ),
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(2, 6),
    st.booleans(),
    st.integers(0, 5),
    st.booleans(),
)
objectives = st.sampled_from(
    [
        Objective(target=Decimal("0.9")),
        Objective(target=Decimal("0.9"), method=BudgetingMethod.TIMESLICES, slice_target=Decimal("0.8")),
        Objective(target=Decimal("0.9"), method=BudgetingMethod.RATIO_TIMESLICES, slice_minutes=2),
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rules, min_size=1, max_size=3, unique=True), objectives, st.randoms(use_true_random=False))
def test_the_fast_sums_agree_with_evaluating_every_minute(
    alerts: list[BurnRateAlert], objective: Objective, chance: random.Random
) -> None:
    minutes = [minute for minute in range(FIRST, FIRST + 150) if chance.random() < 0.8]
    total = [chance.randrange(0, 40) for _ in minutes]
    good = [chance.randint(0, each) if chance.random() < 0.4 else each for each in total]
    series = budget_series(objective, MinuteSeries(minutes, good, total))

    pages = replay(tuple(alerts), objective, series, period(0, 150))

    assert [(page.alert, minute_of(page.at)) for page in pages] == slowly(tuple(alerts), objective, series, 150)


@pytest.mark.parametrize("alerts", [()])
def test_a_policy_without_alerts_tells_nobody(alerts: tuple[BurnRateAlert, ...], three_nines: Objective) -> None:
    assert replay(alerts, three_nines, traffic(100, (0, 100, "1")), period(0, 100)) == []
