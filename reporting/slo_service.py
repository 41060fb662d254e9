"""The use cases of SLOs: look, apply, remove, replay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.filters import Source
from reporting.slo.budgeting import budget_series
from reporting.slo.replay import replay
from reporting.slo.windows import CompliancePeriod, instant_of, minute_of
from reporting.slo_difference import applied_view
from reporting.slo_view import SLOList, shown, success_view

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.counting.backfill import Backfill
    from reporting.catalogue.catalogue import Catalogue
    from reporting.definitions.definition import Definition
    from reporting.evaluation.evaluator import Evaluator, Shown
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.counts import Counts
    from reporting.slo.replay import Page
    from reporting.slo_difference import AppliedView
    from reporting.slo_view import SLOView

_BACKFILL_AT_ONCE_S = 0.5
"""A small past is counted before the answer; a large one in the background."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the policies of a definition would have sent over a span of stored minutes; `measured` of them had traffic."""

    definition: Definition
    period: CompliancePeriod
    measured: int
    rules: tuple[BurnRateAlert, ...]
    pages: list[Page]


class SLOs:
    """Thread-safe. Methods raise `DependencyError`, and `DefinitionError` for a text that cannot be applied."""

    def __init__(self, catalogue: Catalogue, evaluator: Evaluator, backfill: Backfill) -> None:
        self._catalogue = catalogue
        self._evaluator = evaluator
        self._backfill = backfill

    def every(self, now: datetime) -> list[SLOView]:
        """Return every SLO in force, by name."""
        return self.overview(now).slos

    def overview(self, now: datetime) -> SLOList:
        """Return the same, with the success of their services."""
        found = self._evaluator.standing(now)
        return SLOList([shown(*each) for each in found.slos], [success_view(each) for each in found.success])

    def standing(self, now: datetime) -> list[SLOView]:
        """Return the same without percentiles, which take longer than all the rest."""
        return [shown(each, None, None) for each in self._evaluator.every(now)]

    def one(self, name: str, at: datetime) -> SLOView | None:
        """Return how an SLO stands or stood, by what was promised then; None when there is none, or was none then."""
        found = self.evaluated(name, at)
        return None if found is None else shown(*found)

    def evaluated(self, name: str, at: datetime) -> Shown | None:
        """Return the same with all that it came from."""
        registered = self._catalogue.find(name)
        found = [] if registered is None else self._evaluator.shown(registered, at)
        return found[0] if found else None

    def apply(
        self, text: str, *, by: str, now: datetime, dry_run: bool = False, seal: str | None = None
    ) -> AppliedView:
        """Apply a text, or only say what that would do. `seal` is for `Catalogue.apply`, which may raise for it."""
        if dry_run:
            applied = self._catalogue.plan(text)
        else:
            applied = self._catalogue.apply(text, by=by, now=now, seal=seal)
            if any(each.after.indicator.source is Source.EVENTS for each in applied.replacements):
                self._backfill.run(now, _BACKFILL_AT_ONCE_S)
        return applied_view(applied, lambda definition: self._counts(definition, now), dry_run=dry_run)

    def remove(self, name: str, *, by: str, now: datetime) -> bool:
        """Remove an SLO; False when there is none."""
        return self._catalogue.remove(name, by=by, now=now)

    def replay(self, text: str | None, names: tuple[str, ...], now: datetime, over: timedelta) -> list[Replayed]:
        """Play the alerts of the definitions of a text, or else of applied ones, over what is stored of the last time.

        Of no names all. Raises `LookupError` for a name that is not there.
        """
        definitions = self._in_force() if text is None else self._proposed(text)
        if missing := set(names) - definitions.keys():
            raise LookupError(f"there is no SLO {', '.join(sorted(missing))}")
        return [self._replay(each, now, over) for name, each in definitions.items() if not names or name in names]

    def _replay(self, definition: Definition, now: datetime, over: timedelta) -> Replayed:
        end = minute_of(now) + 1
        start = end - over // timedelta(minutes=1)
        rules = definition.alerts(now)
        longest = max((rule.long_window // timedelta(minutes=1) for rule in rules), default=0)
        series = self._evaluator.series_of(definition, start - longest, end, now)
        period = CompliancePeriod(instant_of(start), instant_of(end))
        thresholds = [
            (
                rule,
                self._evaluator.series_of(definition, start - rule.window // timedelta(minutes=1), end, now, rule=rule),
            )
            for _, rule in definition.thresholds
        ]
        budgeted = budget_series(definition.objective, series)
        pages = replay(rules, definition.objective, budgeted, period, thresholds=thresholds)
        return Replayed(definition, period, sum(1 for _ in series.rows(start, end)), rules, pages)

    def _counts(self, definition: Definition, now: datetime) -> Counts | None:
        return self._evaluator.counts_of(definition, (), now)

    def _in_force(self) -> dict[str, Definition]:
        return {each.name: each for each in self._catalogue.in_force()}

    def _proposed(self, text: str) -> dict[str, Definition]:
        return {each.after.name: each.after for each in self._catalogue.plan(text).replacements}
