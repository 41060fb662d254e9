from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboards.web.promises import promise_of, verdict, worst_first
from reporting.slo.objective import BudgetingMethod
from reporting.slo.state import SLOState
from reporting.slo_view import BudgetView, FiguresView, SLOView

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NO_FIGURES: dict[str, Any] = {
    "state": SLOState.NO_DATA,
    "sli": None,
    "good": 0,
    "bad": 0,
    "total": 0,
    "budget": None,
    "burn_rates": {},
    "percentiles": None,
}


def slo(name: str, state: SLOState, *, left: float | None = None, burn: float | None = None, **more: Any) -> SLOView:
    budget = None if left is None else BudgetView(100, 100 - 100 * left, 100 * left, left)
    figures = {**NO_FIGURES, "state": state, "budget": budget, "burn_rates": {"1h": burn}}
    return SLOView(
        **figures,
        name=name,
        display_name=name,
        service="checkout",
        target=0.99,
        window="30d",
        budgeting_method=BudgetingMethod.OCCURRENCES,
        unit="events",
        period_start=NOW - timedelta(days=30),
        period_end=NOW,
        maintenance_minutes=0,
        including_maintenance=FiguresView(**NO_FIGURES),
        backfilling=more.get("backfilling", False),
        kept=True,
        as_of=NOW,
    )


HEALTHY = slo("healthy", SLOState.HEALTHY, left=0.8, burn=0.5)
TIGHT = slo("tight", SLOState.HEALTHY, left=0.05, burn=0.5)
BURNING = slo("burning", SLOState.BURNING, left=0.5, burn=10)
SPENT = slo("spent", SLOState.EXHAUSTED, left=-0.2, burn=2)
SILENT = slo("silent", SLOState.NO_DATA)


def test_the_worst_come_first_and_what_is_not_known_last() -> None:
    found = worst_first([SILENT, HEALTHY, SPENT, TIGHT, BURNING])

    assert [each.slo.name for each in found] == ["spent", "burning", "tight", "healthy", "silent"]


def test_how_long_a_budget_lasts_follows_from_what_is_left_and_how_fast_it_burns() -> None:
    assert promise_of(BURNING).lasts == timedelta(days=1.5)
    assert promise_of(SPENT).lasts is None
    assert promise_of(SILENT).lasts is None


@pytest.mark.parametrize(
    ("slos", "text", "tone"),
    [
        ([], "Nothing is promised yet", "none"),
        ([SILENT], "No promise has enough data to tell yet", "none"),
        ([HEALTHY], "The promise is kept", "good"),
        ([SPENT], "The promise is broken", "bad"),
        ([HEALTHY, TIGHT], "All 2 promises kept", "good"),
        ([HEALTHY, SILENT], "The promise is kept; 1 without data to tell", "good"),
        ([HEALTHY, SPENT, BURNING, SILENT], "2 of 3 promises kept, burning is burning; 1 without data to tell", "bad"),
        ([HEALTHY, BURNING, BURNING], "All 3 promises kept, 2 are burning", "warn"),
        ([SPENT, SPENT], "0 of 2 promises kept", "bad"),
    ],
)
def test_the_verdict_counts_what_is_known(slos: list[SLOView], text: str, tone: str) -> None:
    found = verdict(worst_first(slos))

    assert (found.text, found.tone) == (text, tone)


def test_a_backfill_is_waited_for() -> None:
    found = promise_of(slo("new", SLOState.NO_DATA, backfilling=True))

    assert (found.label, found.tone, found.advice) == ("Counting the past", "none", "Wait until the past is counted.")
