"""Burn-rate factors for any period, and the comparison without rounding."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.slo.alert_catalogue import CATALOGUE, FASTER, PYRRA, WEEK, WORKBOOK
from reporting.slo.alert_timing import budget_spent_at_detection
from reporting.slo.burn_rate_alert import AlertSeverity, BurnRateAlert, WindowPair, burn_rate_factor, fastest_first
from reporting.slo.counts import Counts
from reporting.slo.objective import Objective

if TYPE_CHECKING:
    from reporting.slo.alert_catalogue import AlertWindows

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("windows", "period", "factors"),
    [
        # sloth internal/alert/alert_test.go, and the workbook's table 5-8 for 30 days.
        pytest.param(WORKBOOK, 30 * DAY, ["14.4", "6", "3", "1"], id="sloth, 30 days"),
        pytest.param(WORKBOOK, 28 * DAY, ["13.44", "5.6", "2.8", "14/15"], id="sloth, 28 days"),
        pytest.param(WEEK, 7 * DAY, ["13.44", "3.5", "1.4", "0.98"], id="sloth, 7 days"),
        # sloth examples/windows/custom-30d.yaml.
        pytest.param(FASTER, 30 * DAY, ["14.4", "4.8", "3", "1"], id="sloth, custom 30 days"),
        # pyrra slo/rules_test.go Test_windows.
        pytest.param(PYRRA, 28 * DAY, ["14", "7", "2", "1"], id="pyrra, 28 days"),
        # A calendar month of 31 days; a quarter; any other period does as well (sloth refuses 42 days).
        pytest.param(WORKBOOK, 31 * DAY, ["14.88", "6.2", "3.1", "31/30"], id="a month of 31 days"),
        pytest.param(WORKBOOK, 42 * DAY, ["20.16", "8.4", "4.2", "1.4"], id="42 days"),
        pytest.param(WORKBOOK, 90 * DAY, ["43.2", "18", "9", "3"], id="a quarter"),
    ],
)
def test_factors_follow_from_the_period(windows: AlertWindows, period: timedelta, factors: list[str]) -> None:
    assert [pair.for_period(period).factor for pair in windows.pairs] == [Fraction(factor) for factor in factors]


@pytest.mark.parametrize(
    ("windows", "lengths"),
    [
        (WORKBOOK, [("1:00", "0:05"), ("6:00", "0:30"), ("24:00", "2:00"), ("72:00", "6:00")]),
        (PYRRA, [("1:00", "0:05"), ("6:00", "0:30"), ("24:00", "2:00"), ("96:00", "6:00")]),
        (FASTER, [("0:30", "0:02"), ("3:00", "0:15"), ("12:00", "1:00"), ("36:00", "3:00")]),
    ],
)
def test_windows_are_as_published(windows: AlertWindows, lengths: list[tuple[str, str]]) -> None:
    def length(text: str) -> timedelta:
        hours, minutes = text.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes))

    assert [(pair.long_window, pair.short_window) for pair in windows.pairs] == [
        (length(long), length(short)) for long, short in lengths
    ]


def test_every_pair_has_its_severity_and_its_source() -> None:
    for windows in CATALOGUE.values():
        assert [pair.severity for pair in windows.pairs] == ["page", "page", "ticket", "ticket"]
        assert "http" in windows.source or "Workbook" in windows.source


def test_the_holds_of_pyrra_are_kept() -> None:
    assert [pair.hold for pair in PYRRA.pairs] == [timedelta(minutes=2), timedelta(minutes=15), HOUR, 3 * HOUR]


def test_pyrra_s_constants_spend_other_shares_than_their_comment_says() -> None:
    """pyrra #775, open since 2023: factors 7 and 2 are 6.25 % and 7.14 % of 28 days, and not 5 % and 10 %."""
    alerts = [pair.for_period(28 * DAY) for pair in PYRRA.pairs]

    spent = [round(budget_spent_at_detection(alert, 28 * DAY) * 100, 2) for alert in alerts]

    assert spent == [Decimal("2.08"), Decimal("6.25"), Decimal("7.14"), Decimal("14.29")]


shares = st.integers(1, 1000).map(lambda thousandths: Decimal(thousandths).scaleb(-3))
periods = st.timedeltas(timedelta(days=1), timedelta(days=366))
windows = st.timedeltas(timedelta(minutes=2), timedelta(days=30))


@given(shares, periods, windows)
def test_a_window_at_its_factor_spends_exactly_its_share(share: Decimal, period: timedelta, window: timedelta) -> None:
    microsecond = timedelta(microseconds=1)

    spent = burn_rate_factor(share, period, window) * Fraction(window // microsecond, period // microsecond)

    assert spent == Fraction(share)


def alert(factor: str, *, inclusive: bool = False) -> BurnRateAlert:
    return BurnRateAlert(
        severity=AlertSeverity.PAGE,
        factor=Fraction(factor),
        long_window=HOUR,
        short_window=timedelta(minutes=5),
        inclusive=inclusive,
    )


@given(st.integers(1, 10**15), st.data())
def test_beyond_the_limit_is_decided_without_rounding(total: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, total))
    objective = Objective(target=Decimal("0.999"))

    assert alert("14/15").exceeds(objective, Counts(total - bad, total)) is (bad * 15_000 > 14 * total)


def test_a_burn_rate_of_1_04_is_above_1() -> None:
    """slo-generator rounds to one decimal before it compares: 98,960 good and 1,040 bad at 99 % never alert."""
    counts = Counts(98_960, 100_000)

    assert alert("1").exceeds(Objective(target=Decimal("0.99")), counts) is True


def test_the_limit_itself_is_beyond_it_only_for_an_inclusive_alert() -> None:
    objective, counts = Objective(target=Decimal("0.99")), Counts(99, 100)

    assert alert("1").exceeds(objective, counts) is False
    assert alert("1", inclusive=True).exceeds(objective, counts) is True


def test_nothing_measured_is_on_neither_side() -> None:
    assert alert("1").exceeds(Objective(target=Decimal("0.99")), Counts(0, 0)) is None


def test_only_bad_events_are_a_breach_and_no_missing_sample() -> None:
    """slo-generator, MIN_VALID_EVENTS: "no good events" is -1, and -1 + 1 bad is too few to be valid."""
    assert alert("14.4").exceeds(Objective(target=Decimal("0.99")), Counts(0, 15)) is True


@pytest.mark.parametrize(
    ("target", "possible"),
    [
        # Where factor · (1 - target) reaches 1: at 93.06 %, 83.33 %, 66.67 %, and nowhere.
        ("0.999", [True, True, True, True]),
        ("0.931", [True, True, True, True]),
        ("0.93", [False, True, True, True]),
        ("0.9", [False, True, True, True]),
        ("0.83", [False, False, True, True]),
        ("0.66", [False, False, False, True]),
        ("0.01", [False, False, False, True]),
    ],
)
def test_an_alert_that_can_never_fire_is_known(
    target: str, possible: list[bool], workbook: tuple[BurnRateAlert, ...]
) -> None:
    assert [rule.can_fire(Objective(target=Decimal(target))) for rule in workbook] == possible


def test_at_exactly_1_only_an_inclusive_alert_fires_in_a_total_outage() -> None:
    objective = Objective(target=Decimal("0.9"))

    assert not alert("10").can_fire(objective)
    assert alert("10", inclusive=True).can_fire(objective)
    assert alert("10", inclusive=True).exceeds(objective, Counts(0, 7)) is True


def test_pages_come_before_tickets_and_fast_burns_before_slow_ones(workbook: tuple[BurnRateAlert, ...]) -> None:
    page = alert("2")

    assert fastest_first(workbook[::-1]) == workbook
    assert fastest_first((*workbook, page)) == (*workbook[:2], page, *workbook[2:])


@pytest.mark.parametrize(
    "given",
    [
        {"budget_share": None, "factor": None},
        {"budget_share": Decimal("0.02"), "factor": Decimal(2)},
        {"budget_share": Decimal(0)},
        {"budget_share": Decimal("0.02"), "short_window": HOUR},
        {"budget_share": Decimal("0.02"), "short_window": timedelta(seconds=30)},
    ],
)
def test_a_pair_that_makes_no_sense_is_refused(given: dict[str, object]) -> None:
    pair = {"severity": AlertSeverity.PAGE, "long_window": HOUR, "short_window": timedelta(minutes=5), **given}

    with pytest.raises(ValueError, match=r"window|budget"):
        WindowPair(**pair)
