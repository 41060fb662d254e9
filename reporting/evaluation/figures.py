"""The figures of one SLO at one moment, out of counts: pure, with and without what is excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.definitions.durations import write_duration
from reporting.slo.budgeting import upcoming
from reporting.slo.counts import Counts
from reporting.slo.error_budget import added_budgets, burn_rate, error_budget
from reporting.slo.objective import effective_target, effective_targets
from reporting.slo.signals import Signal, signal
from reporting.slo.state import slo_state
from reporting.slo.windows import MINUTE, minute_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from reporting.definitions.definition import Definition
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.error_budget import ErrorBudget
    from reporting.slo.objective import Objective, ObjectiveVersion
    from reporting.slo.state import SLOState
    from reporting.slo.windows import CompliancePeriod

    Count = Callable[[Objective, int, int], Counts]
    """What the budget of an objective counts in `[start, end)`, minutes since 1970."""

BURN_WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 60, 120, 360, 1_440, 4_320))
"""The windows of the contract: 5m, 30m, 1h, 2h, 6h, 1d, 3d."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`counts` and `budget` are those of the compliance period so far; burn rates by window (`5m`), signals by rule."""

    counts: Counts
    budget: ErrorBudget | None
    burn_rates: Mapping[str, Decimal | None]
    signals: tuple[Signal, ...]
    state: SLOState


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An SLO as it stands. `figures` leave maintenance out; `including_maintenance` are the same, but for that.

    With `backfilling` nothing is known yet: what is counted of the past is not all of it.
    """

    definition: Definition
    objective: Objective
    period: CompliancePeriod
    elapsed: CompliancePeriod
    at: datetime
    rules: tuple[BurnRateAlert, ...]
    figures: Figures
    including_maintenance: Figures
    excluded_minutes: int
    backfilling: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An SLO, the history of its objective, and the spans `[start, end)` of minutes that do not count for it.

    The spans ascend and do not overlap.
    """

    definition: Definition
    history: Sequence[ObjectiveVersion]
    excluded: Sequence[tuple[int, int]] = ()

    def objective(self, at: datetime) -> Objective:
        """Return the objective that held at an instant."""
        return effective_target(self.history, at) or self.definition.objective


def spans_of(subject: Subject, now: datetime) -> Iterator[tuple[int, int]]:
    """Give every span whose counts `evaluate` will ask for."""
    for span in _whole_spans(subject, now):
        yield span
        yield from _overlaps(subject.excluded, *span)


def evaluate(subject: Subject, now: datetime, count: Count, *, backfilling: bool = False) -> Evaluation:
    """Return the figures at `now`."""
    definition, objective = subject.definition, subject.objective(now)
    period, elapsed = definition.window.at(now), definition.window.elapsed(now)
    rules = definition.alerts(now)
    excluded_minutes = sum(end - start for start, end in _overlaps(subject.excluded, *elapsed.minutes))

    def remaining(held: Objective, start: int, end: int) -> Counts:
        counts = count(held, start, end)
        for first, last in _overlaps(subject.excluded, start, end):
            counts -= count(held, first, last)
        return counts

    including = _figures(subject, now, rules, count)
    touched = any(True for span in _whole_spans(subject, now) for _ in _overlaps(subject.excluded, *span))
    return Evaluation(
        definition=definition,
        objective=objective,
        period=period,
        elapsed=elapsed,
        at=now,
        rules=rules,
        figures=_figures(subject, now, rules, remaining) if touched else including,
        including_maintenance=including,
        excluded_minutes=excluded_minutes,
        backfilling=backfilling,
    )


def unknown(subject: Subject, now: datetime) -> Evaluation:
    """Return an evaluation without any data, for an SLO whose rule is still being backfilled."""
    return evaluate(subject, now, lambda _objective, _start, _end: Counts(0, 0), backfilling=True)


def _figures(subject: Subject, now: datetime, rules: Sequence[BurnRateAlert], count: Count) -> Figures:
    objective = subject.objective(now)
    period, elapsed = subject.definition.window.at(now), subject.definition.window.elapsed(now)
    until = minute_of(now) + 1

    def over(window: timedelta) -> Counts:
        return count(objective, until - window // MINUTE, until)

    counts = count(objective, *elapsed.minutes)
    pieces = list(effective_targets(subject.history, elapsed.start, elapsed.end))
    budgets = []
    for since, ending, held in pieces:
        piece = count(held, minute_of(since), minute_of(ending)) if len(pieces) > 1 else counts
        left = upcoming(held, period, elapsed) if ending == elapsed.end else 0
        budgets.append(error_budget(held, piece, upcoming=left))
    budget = added_budgets(budgets) if counts.total else None
    windows = {window: over(window) for window in _windows(rules)}
    signals = tuple(
        signal(
            rule,
            objective,
            long=windows[rule.long_window],
            short=None if rule.short_window is None else windows[rule.short_window],
        )
        for rule in rules
    )
    return Figures(
        counts=counts,
        budget=budget,
        burn_rates={write_duration(window): burn_rate(objective, found) for window, found in windows.items()},
        signals=signals,
        state=slo_state(objective, counts, budget, burning=Signal.BREACHING in signals),
    )


def _whole_spans(subject: Subject, now: datetime) -> Iterator[tuple[int, int]]:
    until = minute_of(now) + 1
    for window in _windows(subject.definition.alerts(now)):
        yield until - window // MINUTE, until
    elapsed = subject.definition.window.elapsed(now)
    yield elapsed.minutes
    for since, ending, _ in effective_targets(subject.history, elapsed.start, elapsed.end):
        yield minute_of(since), minute_of(ending)


def _windows(rules: Sequence[BurnRateAlert]) -> list[timedelta]:
    """Return the windows to show and those that rules look at, shortest first."""
    looked_at = {window for rule in rules for window in (rule.long_window, rule.short_window) if window is not None}
    return sorted(looked_at.union(BURN_WINDOWS))


def _overlaps(excluded: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    for first, last in excluded:
        if first < end and start < last:
            yield max(first, start), min(last, end)
