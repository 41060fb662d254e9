"""The figures of one SLO at one moment, out of counts: pure, with and without what is excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from reporting.definitions.durations import write_duration
from reporting.slo.budgeting import upcoming
from reporting.slo.counts import Counts
from reporting.slo.error_budget import added_budgets, burn_rate, error_budget
from reporting.slo.no_data_alert import NoDataAlert
from reporting.slo.objective import effective_target, effective_targets
from reporting.slo.signals import Signal, signal
from reporting.slo.state import slo_state
from reporting.slo.windows import MINUTE, minute_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from reporting.definitions.definition import AlertPolicy, Definition
    from reporting.evaluation.measure import Watch
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.error_budget import ErrorBudget
    from reporting.slo.objective import Objective, ObjectiveVersion
    from reporting.slo.state import SLOState
    from reporting.slo.windows import CompliancePeriod

    Count = Callable[[Objective, int, int], Counts]
    """What the budget of an objective counts in `[start, end)`, minutes since 1970."""

    CountEvents = Callable[[Watch, int, int], Counts]
    """What a rule on events counts in `[start, end)`."""

BURN_WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 60, 120, 360, 1_440, 4_320))
"""The windows of the contract: 5m, 30m, 1h, 2h, 6h, 1d, 3d."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule on events with what it says: `error_ratio` is that of its window."""

    policy: AlertPolicy
    rule: Watch
    signal: Signal
    error_ratio: Decimal | None


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

    Each of the `rules` has its policy at the same place of `policies`; `watched` leave maintenance out.

    With `backfilling` nothing is known yet: what is counted of the past is not all of it. Without `kept` nothing is known
    any more: what earlier definitions have counted of events is kept for a while only.
    """

    definition: Definition
    objective: Objective
    period: CompliancePeriod
    elapsed: CompliancePeriod
    at: datetime
    policies: tuple[AlertPolicy, ...]
    rules: tuple[BurnRateAlert, ...]
    watched: tuple[Watched, ...]
    figures: Figures
    including_maintenance: Figures
    excluded: tuple[tuple[int, int], ...]
    backfilling: bool
    kept: bool

    @property
    def excluded_minutes(self) -> int:
        return sum(end - start for start, end in self.excluded)

    @property
    def measured(self) -> tuple[tuple[int, int], ...]:
        """The spans of the period so far that are not excluded."""
        start, end = self.elapsed.minutes
        edges = (start, *chain.from_iterable(self.excluded), end)
        return tuple((since, until) for since, until in zip(edges[::2], edges[1::2], strict=True) if since < until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An SLO at a moment, with all that follows from its definition and the time.

    `windows` are those to show and those that rules look at, shortest first; `pieces` are the parts of the period so far
    in which one promise held; `excluded` spans `[start, end)` of minutes that do not count, which ascend and do not overlap.
    """

    definition: Definition
    at: datetime
    objective: Objective
    period: CompliancePeriod
    elapsed: CompliancePeriod
    policies: tuple[AlertPolicy, ...]
    rules: tuple[BurnRateAlert, ...]
    watches: tuple[tuple[AlertPolicy, Watch], ...]
    windows: tuple[timedelta, ...]
    pieces: tuple[tuple[int, int, Objective], ...]
    excluded: Sequence[tuple[int, int]] = ()

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Every span whose counts are asked for, maintenance included."""
        until = minute_of(self.at) + 1
        windows = [(until - window // MINUTE, until) for window in self.windows]
        return [*windows, self.elapsed.minutes, *((start, end) for start, end, _ in self.pieces)]


def subject_at(definition: Definition, history: Sequence[ObjectiveVersion], now: datetime) -> Subject:
    """Return an SLO at a moment, with nothing excluded."""
    elapsed = definition.window.elapsed(now)
    burning = definition.burning(now)
    rules = tuple(rule for _, rule in burning)
    looked_at = {window for rule in rules for window in (rule.long_window, rule.short_window) if window is not None}
    return Subject(
        definition=definition,
        at=now,
        objective=effective_target(history, now) or definition.objective,
        period=definition.window.at(now),
        elapsed=elapsed,
        policies=tuple(policy for policy, _ in burning),
        rules=rules,
        watches=(*definition.thresholds, *definition.silences),
        windows=tuple(sorted(looked_at.union(BURN_WINDOWS))),
        pieces=tuple(
            (minute_of(since), minute_of(until), held)
            for since, until, held in effective_targets(history, elapsed.start, elapsed.end)
        ),
    )


def spans_of(subject: Subject) -> Iterator[tuple[int, int]]:
    """Give every span whose counts `evaluate` will ask for."""
    for span in subject.spans:
        yield span
        yield from _overlaps(subject.excluded, *span)


def watched_spans(subject: Subject) -> Iterator[tuple[Watch, tuple[int, int]]]:
    """Give every span whose events `evaluate` will ask for, with the rule that looks at it."""
    for _, rule in subject.watches:
        span = _window(subject, rule)
        yield rule, span
        for piece in _overlaps(subject.excluded, *span):
            yield rule, piece


def evaluate(
    subject: Subject,
    count: Count,
    *,
    events: CountEvents | None = None,
    without_excluded: Count | None = None,
    backfilling: bool = False,
    kept: bool = True,
) -> Evaluation:
    """Return the figures. What is excluded is subtracted, which slices do not allow: those are counted without it.

    Without `events` nothing is known of them.
    """

    def remaining(held: Objective, start: int, end: int) -> Counts:
        counts = count(held, start, end)
        for first, last in _overlaps(subject.excluded, start, end):
            counts -= count(held, first, last)
        return counts

    including = _figures(subject, count)
    return Evaluation(
        definition=subject.definition,
        objective=subject.objective,
        period=subject.period,
        elapsed=subject.elapsed,
        at=subject.at,
        policies=subject.policies,
        rules=subject.rules,
        watched=tuple(_watched(subject, policy, rule, events) for policy, rule in subject.watches),
        figures=_figures(subject, without_excluded or remaining) if subject.excluded else including,
        including_maintenance=including,
        excluded=tuple(_overlaps(subject.excluded, *subject.elapsed.minutes)),
        backfilling=backfilling,
        kept=kept,
    )


def unknown(subject: Subject, *, backfilling: bool = False, kept: bool = True) -> Evaluation:
    """Return an evaluation without any data, for an SLO whose counts are not all there, or make no sense."""
    return evaluate(subject, lambda _objective, _start, _end: Counts(0, 0), backfilling=backfilling, kept=kept)


def _figures(subject: Subject, count: Count) -> Figures:
    objective, until = subject.objective, minute_of(subject.at) + 1
    counts = count(objective, *subject.elapsed.minutes)
    budgets = []
    for start, end, held in subject.pieces:
        piece = count(held, start, end) if len(subject.pieces) > 1 else counts
        left = upcoming(held, subject.period, subject.elapsed) if end == subject.elapsed.minutes[1] else 0
        budgets.append(error_budget(held, piece, upcoming=left))
    budget = added_budgets(budgets) if counts.total else None
    windows = {window: count(objective, until - window // MINUTE, until) for window in subject.windows}
    signals = tuple(
        signal(
            rule,
            objective,
            long=windows[rule.long_window],
            short=None if rule.short_window is None else windows[rule.short_window],
        )
        for rule in subject.rules
    )
    return Figures(
        counts=counts,
        budget=budget,
        burn_rates={write_duration(window): burn_rate(objective, found) for window, found in windows.items()},
        signals=signals,
        state=slo_state(objective, counts, budget, burning=Signal.BREACHING in signals),
    )


def _watched(subject: Subject, policy: AlertPolicy, rule: Watch, events: CountEvents | None) -> Watched:
    start, end = _window(subject, rule)
    pieces = list(_overlaps(subject.excluded, start, end))
    counts = None
    if events is not None:
        counts = events(rule, start, end)
        for first, last in pieces:
            counts -= events(rule, first, last)
    if isinstance(rule, NoDataAlert):
        return Watched(policy, rule, rule.signal(counts, excluded=bool(pieces)), None)
    if counts is None:
        return Watched(policy, rule, Signal.NO_DATA, None)
    return Watched(policy, rule, signal(rule, subject.objective, long=counts, short=None), counts.error_ratio)


def _window(subject: Subject, rule: Watch) -> tuple[int, int]:
    until = minute_of(subject.at) + 1
    return until - rule.window // MINUTE, until


def _overlaps(excluded: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    for first, last in excluded:
        if first < end and start < last:
            yield max(first, start), min(last, end)
