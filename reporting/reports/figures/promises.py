"""How each promise came out over a period: kept, missed, or not to be told, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from app.domain.filters import Source
from reporting.reports.figures.counting import in_unit
from reporting.reports.figures.periods import minutes_of
from reporting.reports.figures.words import promise_words
from reporting.reports.model import Promise, Spot, Standing, Tally
from reporting.slo.exact import difference, quotient, total
from reporting.slo.significance import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from reporting.evaluation.percentiles import Percentiles
    from reporting.reports.figures.counting import Judged, Pledge, Span, Tallier
    from reporting.reports.figures.periods import Cell
    from reporting.reports.model import Period
    from reporting.slo.significance import Significance

_WORST_FIRST = (Standing.MISSED, Standing.KEPT, Standing.LOW_TRAFFIC, Standing.NO_DATA)
JUDGED = frozenset({Standing.KEPT, Standing.MISSED})
_US = 1_000
OWNER = "slipstream/owner"
"""The annotation, or else the label `owner`, that names whose a promise is."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is looked at: the period by its days, and the periods before it, oldest first."""

    period: Period
    days: Sequence[Cell]
    before: Sequence[Period]

    def earlier(self, pledge: Pledge) -> Sequence[Period]:
        """Return the periods before that a pledge is shown over: of slices, which are read by the minute, the last one."""
        return self.before[-1:] if pledge.sliced else self.before

    def spans(self, pledge: Pledge) -> list[Span]:
        """Return every span whose counts are asked for."""
        return [*((day.start, day.end) for day in self.days), *map(minutes_of, self.earlier(pledge))]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A pledge over the period and each of its days, without maintenance; `allowed` and `consumed` are in its unit."""

    pledge: Pledge
    judged: Judged
    days: tuple[Judged, ...]
    standing: Standing
    allowed: Decimal | None
    consumed: Decimal | None

    @property
    def remaining_ratio(self) -> Decimal | None:
        if self.allowed is None or self.consumed is None:
            return None
        return quotient(difference(self.allowed, self.consumed), self.allowed)


def outcome_of(pledge: Pledge, frame: Frame, tallier: Tallier) -> Outcome:
    """Add up the days of a pledge, and say how it came out."""
    days = tuple(tallier.over(pledge, day.start, day.end) for day in frame.days)
    judged = reduce(add, days)
    budget = None if judged.budget is None else in_unit(pledge, judged.budget)
    return Outcome(
        pledge,
        judged,
        days,
        standing_of(judged),
        None if budget is None else budget.allowed,
        None if budget is None else budget.consumed,
    )


def standing_of(judged: Judged, significance: Significance = DEFAULT) -> Standing:
    """Say how counts came out against what was allowed, without rounding."""
    counts, budget = judged.counts, judged.budget
    if budget is None:
        return Standing.NO_DATA
    limit = Fraction(budget.allowed) / Fraction(counts.total, counts.scale)
    if not significance.enough(counts, limit):
        return Standing.LOW_TRAFFIC
    return Standing.KEPT if budget.consumed <= budget.allowed else Standing.MISSED


def worst_first(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Order outcomes: missed ones first, and of equals that which has the least of its budget left."""

    def key(each: Outcome) -> tuple[int, Fraction, str]:
        left = each.remaining_ratio
        return _WORST_FIRST.index(each.standing), Fraction(0) if left is None else Fraction(left), each.pledge.name

    return sorted(outcomes, key=key)


def promise_of(
    outcome: Outcome, frame: Frame, tallier: Tallier, known: Percentiles | None, first: Promise | None
) -> Promise:
    """Return all that a report says of a promise; `first` is what it said when it was first made."""
    pledge, definition = outcome.pledge, outcome.pledge.definition
    now = tally_of(pledge, outcome.judged)
    including = reduce(add, (tallier.over(pledge, day.start, day.end, maintenance=True) for day in frame.days))
    before = [(period, tallier.over(pledge, *minutes_of(period)).counts) for period in frame.earlier(pledge)]
    spots = [Spot(at=period.start, value=counts.sli) for period, counts in before]
    while spots and spots[0].value is None:
        del spots[0]
    previous = tally_of(pledge, tallier.over(pledge, *minutes_of(frame.before[-1]))) if frame.before else None
    if previous is not None and previous.sli is None:
        previous = None
    allowed, consumed = outcome.allowed, outcome.consumed
    return Promise(
        slo=definition.name,
        name=definition.display_name or definition.name,
        service=definition.service,
        sentence=promise_words(definition.indicator, pledge.objective),
        owner=owner_of(pledge),
        target=pledge.objective.target,
        target_changed=len({held.target for _, _, held in pledge.parts(*minutes_of(frame.period))}) > 1,
        unit=unit_of(pledge),
        budgeting_method=pledge.objective.method,
        standing=outcome.standing,
        tally=now,
        with_maintenance=tally_of(pledge, including),
        allowed=allowed,
        consumed=consumed,
        remaining=None if allowed is None or consumed is None else difference(allowed, consumed),
        remaining_ratio=outcome.remaining_ratio,
        previous=previous,
        change=None
        if previous is None or previous.sli is None or now.sli is None
        else difference(now.sli, previous.sli),
        trend=(*spots, Spot(at=frame.period.start, value=now.sli)),
        p50_ms=None if known is None else _ms(known.p50),
        p95_ms=None if known is None else _ms(known.p95),
        p99_ms=None if known is None else _ms(known.p99),
        restated=first is not None and not pledge.note and first.tally != now,
        note=pledge.note,
    )


def tally_of(pledge: Pledge, judged: Judged) -> Tally:
    """Return counts in the promise's unit, good ones rounded down where slices are good in part."""
    counts = judged.counts
    width = pledge.objective.slice_minutes if pledge.sliced else 1
    good, whole = (part * width // counts.scale for part in (counts.good, counts.total))
    return Tally(good=good, bad=whole - good, total=whole, sli=counts.sli)


def unit_of(pledge: Pledge) -> str:
    """Return what is counted."""
    if pledge.sliced:
        return "minutes"
    return "requests" if pledge.measure.source is Source.REQUESTS else "events"


def budget_shares(outcomes: Sequence[Outcome]) -> Mapping[str, Decimal]:
    """Return, by promise, its part of all that promises of its unit consumed; without those where that is nothing."""
    by_unit: dict[str, list[Outcome]] = {}
    for each in outcomes:
        by_unit.setdefault(unit_of(each.pledge), []).append(each)
    found: dict[str, Decimal] = {}
    for alike in by_unit.values():
        consumed = total(each.consumed for each in alike if each.consumed is not None)
        if consumed:
            found |= {
                each.pledge.name: quotient(each.consumed, consumed) for each in alike if each.consumed is not None
            }
    return found


def owner_of(pledge: Pledge) -> str:
    """Return whose a promise is; empty where it does not say."""
    metadata = pledge.definition.written.metadata
    owner = metadata.annotations.get(OWNER) or metadata.labels.get("owner") or ""
    return ", ".join(map(str, owner)) if isinstance(owner, list | tuple) else str(owner)


def _ms(duration_us: int) -> Decimal:
    return quotient(duration_us, _US)
