"""Three remarks at most: the biggest win, the biggest loss, and the next risk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from reporting.reports.figures.numbers import count_of, whole_percent_up
from reporting.reports.figures.periods import day_text
from reporting.reports.figures.promises import JUDGED
from reporting.reports.model import Kind, Standing
from reporting.slo.presentation import decimals_for, percent_down

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.reports.figures.promises import Outcome
    from reporting.reports.model import Period, Promise

RECENT_DAYS = {Kind.MONTHLY: 7, Kind.WEEKLY: 2}
"""The last days, whose rate says what comes next."""


@dataclass(frozen=True, slots=True)
class Risk:
    """A budget that would end at an instant, of this period or (`next_period`) of the one behind it."""

    name: str
    ends: datetime
    next_period: bool


def remarks(promises: Sequence[Promise], risk: Risk | None, period: Period) -> tuple[str, ...]:
    """Return what is worth a sentence of its own. Promises are worst first."""
    said = [biggest_win(promises), biggest_loss(promises), None if risk is None else risk_words(risk, period)]
    return tuple(each for each in said if each is not None)


def biggest_win(promises: Sequence[Promise]) -> str | None:
    """Return which promise got better by the largest part of its budget; of kept ones, by more than a tenth of it."""
    better = [
        (Fraction(each.change) / (1 - Fraction(each.target)), each)
        for each in promises
        if each.standing is Standing.KEPT and each.change is not None
    ]
    better = [(gain, each) for gain, each in better if gain > Fraction(1, 10)]
    if not better:
        return None
    _, best = max(better, key=lambda each: (each[0], each[1].slo))
    decimals = decimals_for(best.target)
    before = percent_down(None if best.previous is None else best.previous.sli, decimals)
    return f"Biggest win: {best.name} rose to {percent_down(best.tally.sli, decimals)} % from {before} %."


def biggest_loss(promises: Sequence[Promise]) -> str | None:
    """Return which promise spent the largest part of its budget, if any of it."""
    spent = [each for each in promises if each.standing in JUDGED and each.consumed and each.allowed]
    if not spent:
        return None

    def ratio(each: Promise) -> Fraction:
        return Fraction(each.consumed or 0) / Fraction(each.allowed or 1)

    worst = max(spent, key=lambda each: (ratio(each), each.slo))
    bad, allowed = count_of(worst.consumed or Decimal(0)), count_of(worst.allowed or Decimal(0))
    verb = "overspent: it used" if worst.standing is Standing.MISSED else "used"
    return (
        f"Biggest loss: {worst.name} {verb} {whole_percent_up(ratio(worst))} of its budget, "
        f"{bad} bad {worst.unit} where {allowed} were allowed."
    )


def next_risk(outcomes: Sequence[Outcome], period: Period) -> Risk | None:
    """Return the budget that ends first if things go on as in the last days; None when all last.

    In a period that is not over, what is left of its budget is looked at; otherwise that of the next period, which is
    taken to be as long. Traffic is taken to go on as it was over the period.
    """
    found = [
        (ends, each.pledge.name, each.pledge.definition.display_name or each.pledge.name)
        for each in outcomes
        if each.standing in JUDGED and (ends := _ends(each, period)) is not None
    ]
    if not found:
        return None
    ends, _, name = min(found)
    return Risk(name, ends, next_period=period.complete)


def risk_words(risk: Risk, period: Period) -> str:
    """Return a risk as a sentence."""
    which = f"the next budget of {risk.name}" if risk.next_period else f"the budget of {risk.name}"
    return f"Next risk: at this rate {which} ends on {day_text(risk.ends, period.timezone)}."


def _ends(outcome: Outcome, period: Period) -> datetime | None:
    recent = reduce(add, outcome.days[-RECENT_DAYS[period.kind] :])
    if recent.budget is None or not recent.budget.allowed:
        return None
    rate = Fraction(recent.budget.consumed) / Fraction(recent.budget.allowed)
    length = period.end - period.start
    if period.complete:
        return None if rate <= 1 else _after(period.end, length, 1 / rate)
    elapsed = Fraction(_us(period.until - period.start), _us(length))
    spent = Fraction(outcome.consumed or 0) / Fraction(outcome.allowed or 1) * elapsed
    # Compared before any instant is made of it: at a tiny rate that would be beyond the calendar.
    if spent >= 1 or (1 - spent) >= rate * (1 - elapsed):
        return None
    return _after(period.until, length, (1 - spent) / rate)


def _after(start: datetime, length: timedelta, ratio: Fraction) -> datetime:
    return start + timedelta(microseconds=int(_us(length) * ratio))


def _us(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
