"""Readings of every SLO in force, for those who alert. Maintenance is left out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.alerts.reading import Finding, SloReading, Telling, Unknown

if TYPE_CHECKING:
    from datetime import datetime

    from reporting.catalogue.catalogue import Catalogue
    from reporting.definitions.definition import AlertPolicy
    from reporting.evaluation.evaluator import Evaluator
    from reporting.evaluation.figures import Evaluation


class Readings:
    """Reads when called; raises `DependencyError`."""

    def __init__(self, catalogue: Catalogue, evaluator: Evaluator) -> None:
        self._catalogue = catalogue
        self._evaluator = evaluator

    def __call__(self, now: datetime) -> list[SloReading | Unknown]:
        readings = [reading_of(evaluation) for evaluation in self._evaluator.every(now)]
        unread = self._catalogue.names_in_force() - {reading.name for reading in readings}
        return [*readings, *(Unknown(name) for name in sorted(unread))]


def reading_of(evaluation: Evaluation) -> SloReading:
    """Return what alerts need of an evaluation."""
    figures = evaluation.figures
    return SloReading(
        name=evaluation.definition.name,
        service=evaluation.definition.service,
        target=evaluation.objective,
        rules=evaluation.rules,
        telling=tuple(_telling(policy) for policy in evaluation.policies),
        signals=figures.signals,
        findings=tuple(
            Finding(each.rule, each.signal, _telling(each.policy), each.error_ratio) for each in evaluation.watched
        ),
        burn_rates=figures.burn_rates,
        budget_remaining_ratio=None if figures.budget is None else figures.budget.remaining_ratio,
        state=figures.state,
    )


def _telling(policy: AlertPolicy) -> Telling:
    return Telling(targets=tuple(target.target for target in policy.targets), end=policy.when_resolved)
