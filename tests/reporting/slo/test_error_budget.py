"""The error budget and the burn rate, exactly; negative when overspent, None when nothing was measured."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.slo.counts import Counts
from reporting.slo.error_budget import ErrorBudget, added_budgets, burn_rate, error_budget, time_to_exhaustion
from reporting.slo.objective import Objective

MONTH = timedelta(days=30)
targets = st.integers(1, 999_999_999).map(lambda nines: Decimal(nines).scaleb(-9))
totals = st.integers(1, 10**18)


def objective(target: str | Decimal) -> Objective:
    return Objective(target=Decimal(target))


def budget(target: str, bad: int, total: int) -> ErrorBudget:
    found = error_budget(objective(target), Counts(total - bad, total))
    assert found is not None
    return found


@given(targets, totals, st.data())
def test_remaining_falls_by_exactly_one_with_every_bad_event(target: Decimal, total: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, total - 1))

    before = error_budget(objective(target), Counts(total - bad, total))
    after = error_budget(objective(target), Counts(total - bad - 1, total))

    assert before is not None
    assert after is not None
    assert int(before.remaining.scaleb(9)) - int(after.remaining.scaleb(9)) == 10**9
    assert after.remaining_ratio < before.remaining_ratio


@given(targets, totals, st.data())
def test_the_budget_is_exact_and_independent_of_the_thread_s_decimal_context(
    target: Decimal, total: int, data: st.DataObject
) -> None:
    bad = data.draw(st.integers(0, total))
    with localcontext(prec=3):
        found = error_budget(objective(target), Counts(total - bad, total))
        assert found is not None
        allowed, remaining = found.allowed, found.remaining

    assert int(allowed.scaleb(9)) == total * (10**9 - int(target.scaleb(9)))
    assert int(remaining.scaleb(9)) == total * (10**9 - int(target.scaleb(9))) - bad * 10**9


@given(targets, totals, st.data())
def test_a_budget_is_overspent_exactly_when_the_target_is_missed(
    target: Decimal, total: int, data: st.DataObject
) -> None:
    counts = Counts(data.draw(st.integers(0, total)), total)
    found = error_budget(objective(target), counts)

    assert found is not None
    assert (found.remaining < 0) is not counts.meets(target)
    assert found.exhausted is (found.remaining <= 0)


@given(targets, st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=6))
def test_the_budget_of_a_period_is_the_sum_of_the_budgets_of_its_pieces(
    target: Decimal, pieces: list[tuple[int, int]]
) -> None:
    counts = [Counts(good, good + bad) for good, bad in pieces]

    whole = error_budget(objective(target), Counts(sum(c.good for c in counts), sum(c.total for c in counts)))

    assert added_budgets(error_budget(objective(target), each) for each in counts) == whole


@pytest.mark.parametrize(
    ("good", "bad", "sli", "burn", "consumed", "remaining_minutes"),
    [
        # slo-generator tests/unit/fixtures/dummy_tests.json and test_report.py, goal 0.99, a window of an hour.
        # Its error_budget_remaining_minutes is window · gap / 60: ours is what remains, in minutes of the window.
        (5, 5, "0.5", "50", "50", "-29.4"),
        (0, 15, "0", "100", "100", "-59.4"),
        (15, 0, "1", "0", "0", "0.6"),
        (991, 9, "0.991", "0.9", "0.9", "0.06"),
    ],
)
def test_reports_of_slo_generator(
    good: int, bad: int, sli: str, burn: str, consumed: str, remaining_minutes: str
) -> None:
    counts = Counts(good, good + bad)
    found = error_budget(objective("0.99"), counts)

    assert counts.sli == Decimal(sli)
    assert burn_rate(objective("0.99"), counts) == Decimal(burn)
    assert found is not None
    assert found.consumed_ratio == Decimal(consumed)
    assert found.remaining / counts.total * 60 == Decimal(remaining_minutes)


def test_no_events_have_no_budget() -> None:
    """slo-generator "no_events" and "no_good_bad_events": an invalid report. Elastic: consumed 0. Pyrra: budget 1."""
    assert error_budget(objective("0.99"), Counts(0, 0)) is None
    assert burn_rate(objective("0.99"), Counts(0, 0)) is None


@pytest.mark.parametrize(
    ("target", "bad", "total", "allowed", "remaining", "remaining_ratio"),
    [
        # OpenSLO examples/budgeting-method: two weeks of 24,000 requests a day at 95 %.
        ("0.95", 0, 336_000, "16800", "16800", "1"),
        # sloth PR 459: 90,000 requests in 30 days at 99.9 %, an hour of 120 with 100 bad.
        ("0.999", 100, 90_000, "90", "-10", "-0.1111111111111111111111111111"),
        # SRE workbook chapter 5: 99.9 %, a million requests.
        ("0.999", 250, 1_000_000, "1000", "750", "0.75"),
        ("0.999", 1_000, 1_000_000, "1000", "0", "0"),
        ("0.999", 1_001, 1_000_000, "1000", "-1", "-0.001"),
    ],
)
def test_budgets_by_example(
    target: str, bad: int, total: int, allowed: str, remaining: str, remaining_ratio: str
) -> None:
    found = budget(target, bad, total)

    assert (found.allowed, found.remaining) == (Decimal(allowed), Decimal(remaining))
    assert found.remaining_ratio == Decimal(remaining_ratio)


def test_a_budget_has_no_dirt_of_binary_fractions() -> None:
    """sloth: 100 - 99.9 is 0.09999999999999432; sloth #517: "-4.69e-12 %" is left of the budget."""
    found = budget("0.999", 1_000, 1_000_000)

    assert str(objective("0.999").budget) == "0.001"
    assert found.remaining == 0


def test_an_overspent_budget_is_shown_as_it_is_and_not_cut_at_nought() -> None:
    """Elastic: remaining = max(1 - consumed, 0)."""
    assert budget("0.99", 500, 10_000).remaining_ratio == -4


def test_a_target_without_budget_is_refused() -> None:
    """slo-generator: a goal of 1 has a burn rate of 0, and never alerts even when everything fails."""
    for target in ("1", "0", "1.5", "-0.1"):
        with pytest.raises(ValueError, match="between 0 and 1"):
            objective(target)


@pytest.mark.parametrize(
    ("consumed", "rate", "left"),
    [
        # SRE workbook chapter 5, iteration 4: at a burn rate of 35 the month's budget is gone in 20.5 hours.
        ("0", "35", timedelta(hours=20, minutes=34, seconds=17, microseconds=142857)),
        # At 14.4 it is gone in 50 hours (and not in 2, as pages that copy each other say).
        ("0", "14.4", timedelta(hours=50)),
        ("0", "1", MONTH),
        ("50", "2", timedelta(days=7, hours=12)),
        ("99", "1", timedelta(hours=7, minutes=12)),
        ("100", "1", timedelta(0)),
        ("150", "3", timedelta(0)),
        ("10", "0", None),
    ],
)
def test_time_to_exhaustion(consumed: str, rate: str, left: timedelta | None) -> None:
    assert time_to_exhaustion(ErrorBudget(Decimal(100), Decimal(consumed)), Decimal(rate), MONTH) == left


def test_a_rate_that_is_not_known_or_endlessly_small_ends_nowhere_near() -> None:
    assert time_to_exhaustion(ErrorBudget(Decimal(100), Decimal(0)), None, MONTH) is None
    assert time_to_exhaustion(ErrorBudget(Decimal(100), Decimal(0)), Decimal("1e-20"), MONTH) == timedelta.max
