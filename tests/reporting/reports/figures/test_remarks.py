"""Which budget ends first if things go on as in the last days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from reporting.reports.figures.counting import Judged
from reporting.reports.figures.promises import Outcome
from reporting.reports.figures.remarks import next_risk, remarks, risk_words
from reporting.reports.model import Kind, Period, Standing
from reporting.slo.counts import Counts
from reporting.slo.error_budget import ErrorBudget

START = datetime(2026, 11, 1, tzinfo=UTC)
NOVEMBER = Period(
    kind=Kind.MONTHLY,
    name="2026-11",
    title="November 2026",
    timezone="UTC",
    start=START,
    end=START + timedelta(days=30),
    until=START + timedelta(days=30),
)
BEGUN = replace(NOVEMBER, until=START + timedelta(days=15))


def outcome(name: str, bad_by_day: list[int], standing: Standing = Standing.KEPT) -> Outcome:
    """Return a promise of 99 % over days of 10,000 requests each, of which 100 may be bad."""
    days = [Judged(Counts(10_000 - bad, 10_000), ErrorBudget(Decimal(100), Decimal(bad))) for bad in bad_by_day]
    pledge: Any = SimpleNamespace(name=name, definition=SimpleNamespace(display_name=name.title()))
    allowed, consumed = Decimal(100 * len(days)), Decimal(sum(bad_by_day))
    return Outcome(pledge, days[0], tuple(days), standing, allowed, consumed)


def test_after_a_period_the_next_one_is_looked_at() -> None:
    calm = outcome("calm", [0] * 23 + [100] * 7)
    rushed = outcome("rushed", [0] * 23 + [200] * 7)
    spent = outcome("spent", [0] * 23 + [300] * 7, Standing.LOW_TRAFFIC)

    risk = next_risk([calm, rushed, spent], NOVEMBER)

    assert risk is not None
    assert (risk.name, risk.ends) == ("Rushed", START + timedelta(days=45))
    assert risk_words(risk, NOVEMBER) == "Next risk: at this rate the next budget of Rushed ends on 16 December."
    assert next_risk([calm], NOVEMBER) is None


def test_in_a_period_that_goes_on_what_is_left_of_it_is_looked_at() -> None:
    burning = outcome("burning", [0] * 8 + [300] * 7)  # 21 of 30 days' budget are gone, and 3 go each day.

    risk = next_risk([burning], BEGUN)

    assert risk is not None
    assert risk.ends == START + timedelta(days=18)
    assert remarks([], risk, BEGUN) == ("Next risk: at this rate the budget of Burning ends on 19 November.",)


@pytest.mark.parametrize("days", [[0] * 15, [1] * 15, [0] * 14 + [1], [300] * 15, [100] * 15])
def test_a_budget_that_lasts_or_is_gone_is_no_risk(days: list[int]) -> None:
    assert next_risk([outcome("a", days)], BEGUN) is None
