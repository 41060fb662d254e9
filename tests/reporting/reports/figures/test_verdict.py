"""The verdict follows from figures by rules: the first that fits decides, and no number says more than is true."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from reporting.reports.figures.numbers import amount, count_of, share_of
from reporting.reports.figures.remarks import biggest_loss, biggest_win
from reporting.reports.figures.verdict import decide, sentence
from reporting.reports.model import Decision, Standing
from tests.reporting.reports.incidents import short_incident
from tests.reporting.reports.parts import OCTOBER, promise, tally

if TYPE_CHECKING:
    from reporting.reports.model import Promise

AVAILABLE = promise("availability", "Checkout answers", "0.999", tally(41_144_476, 24_721))
QUICK = promise("quick", "Checkout is quick", "0.99", tally(40_000_000, 300_000))
SILENT = promise("silent", "Nobody came", "0.99", tally(0, 0))
FEW = replace(promise("few", "Hardly anybody came", "0.99", tally(9, 1)), standing=Standing.LOW_TRAFFIC)


def with_left(left: str) -> Promise:
    allowed = Decimal(1_000)
    remaining = allowed * Decimal(left)
    return replace(
        QUICK, allowed=allowed, consumed=allowed - remaining, remaining=remaining, remaining_ratio=Decimal(left)
    )


def decided(*promises: Promise, incidents: Any = (), ends_soon: str | None = None) -> tuple[Decision, str]:
    judged = [each for each in promises if each.standing in {Standing.KEPT, Standing.MISSED}]
    return decide(judged, promises, incidents, ends_soon)


def test_the_sentence_says_how_many_promises_were_kept_and_what_was_not_good() -> None:
    assert (
        sentence(OCTOBER, AVAILABLE.tally, [AVAILABLE, QUICK, SILENT])
        == "October 2026: 2 of 2 promises kept. 99.93 % of 41.1 M requests were good; 24,721 were not, 61 % of what we allow ourselves."
    )


def test_what_is_allowed_is_said_only_where_promises_count_all_requests() -> None:
    others = tally(AVAILABLE.tally.good + 5, AVAILABLE.tally.bad)

    assert sentence(OCTOBER, others, [AVAILABLE]).endswith("24,721 were not.")
    assert sentence(OCTOBER, AVAILABLE.tally, [replace(AVAILABLE, standing=Standing.LOW_TRAFFIC)]).endswith("were not.")


def test_one_bad_request_is_never_a_hundred_per_cent() -> None:
    assert "99.99 % of 100.0 M requests were good; 1 was not" in sentence(OCTOBER, tally(99_999_999, 1), [])


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (0, 0, "No request was recorded."),
        (1, 0, "1 of 1 request was good."),
        (998, 1, "998 of 999 requests were good; 1 was not."),
        (2_000, 0, "100.00 % of 2,000 requests were good."),
    ],
)
def test_of_few_requests_counts_are_said(good: int, bad: int, said: str) -> None:
    assert sentence(OCTOBER, tally(good, bad), []) == f"October 2026: nothing was promised. {said}"


def test_a_period_that_is_not_over_says_so() -> None:
    assert sentence(replace(OCTOBER, until=OCTOBER.start), tally(0, 0), [SILENT]).startswith(
        "October 2026 so far: too little happened to judge any of 1 promise."
    )


def test_without_enough_data_nothing_is_decided() -> None:
    assert decided()[0] is Decision.UNKNOWN
    assert decided(SILENT, FEW) == (Decision.UNKNOWN, "No promise had enough data to be judged.")


def test_a_budget_that_is_spent_freezes_also_where_the_promise_was_just_kept() -> None:
    assert decided(with_left("0"), AVAILABLE)[0] is Decision.FREEZE
    decision, because = decided(with_left("-0.25"), ends_soon="soon")
    assert decision is Decision.FREEZE
    assert because == "The budget of Checkout is quick is spent: 1,250 bad requests, and 1,000 were allowed."


def test_a_budget_of_which_little_is_left_asks_for_care() -> None:
    decision, because = decided(with_left("0.249"), ends_soon="soon")

    assert decision is Decision.CAREFUL
    assert because.startswith("Only 24 % of the budget of Checkout is quick is left: 751 bad requests")


def test_an_incident_that_took_a_fifth_asks_for_care() -> None:
    large = replace(short_incident(), budget_share=Decimal("0.2001"), budget_slo="quick")

    assert decided(with_left("0.7"), incidents=[large]) == (
        Decision.CAREFUL,
        f"One incident took 21 % of the budget of quick: {large.title}.",
    )
    assert decided(with_left("0.7"), incidents=[replace(large, budget_share=Decimal("0.2"))])[0] is Decision.SHIP


def test_a_budget_that_would_end_soon_asks_for_care_and_otherwise_one_ships() -> None:
    assert decided(with_left("0.7"), ends_soon="It ends.") == (Decision.CAREFUL, "It ends.")
    decision, because = decided(with_left("0.7"), FEW)
    assert decision is Decision.SHIP
    assert because == "Every budget has 70 % or more left; the least has Checkout is quick."


def test_the_biggest_win_is_measured_by_budgets() -> None:
    better = promise("a", "A", "0.999", tally(999_800, 200), previous=tally(999_500, 500))
    larger_step = promise("b", "B", "0.9", tally(92_000, 8_000), previous=tally(91_500, 8_500))

    assert biggest_win([better, larger_step]) == "Biggest win: A rose to 99.98 % from 99.95 %."
    assert biggest_win([larger_step]) is None
    assert biggest_win([promise("c", "C", "0.999", tally(99, 1), previous=tally(98, 2))]) is None


def test_the_biggest_loss_is_the_largest_part_of_a_budget() -> None:
    assert biggest_loss([AVAILABLE, with_left("0.1")]) == (
        "Biggest loss: Checkout is quick used 90 % of its budget, 900 bad requests where 1,000 were allowed."
    )
    assert biggest_loss([SILENT, FEW, promise("a", "A", "0.9", tally(5_000, 0))]) is None


@pytest.mark.parametrize(
    ("count", "said"), [(999_999, "999,999"), (1_999_999, "1.9 M"), (41_234_567, "41.2 M"), (9_960_000_000, "9.9 G")]
)
def test_large_numbers_are_rounded_down(count: int, said: str) -> None:
    assert amount(count) == said


def test_small_numbers_keep_what_matters() -> None:
    assert [count_of(Decimal(value)) for value in ("0.4999", "2.0", "9.99", "10.9", "12345.6")] == [
        "0.4", "2", "9.9", "10", "12,345",
    ]  # fmt: skip
    assert share_of(9_999, 10_000, "requests") == "99.99 % of 10,000 requests"
