"""Readings of every SLO in force, for those who alert. Maintenance is left out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.alerts.reading import SloReading

if TYPE_CHECKING:
    from datetime import datetime

    from reporting.evaluation.evaluator import Evaluator
    from reporting.evaluation.figures import Evaluation


class Readings:
    """Reads when called; raises `DependencyError`."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def __call__(self, now: datetime) -> list[SloReading]:
        return [reading_of(evaluation) for evaluation in self._evaluator.every(now)]


def reading_of(evaluation: Evaluation) -> SloReading:
    """Return what alerts need of an evaluation."""
    figures = evaluation.figures
    return SloReading(
        name=evaluation.definition.name,
        service=evaluation.definition.service,
        target=evaluation.objective,
        rules=evaluation.rules,
        signals=figures.signals,
        burn_rates=figures.burn_rates,
        budget_remaining_ratio=None if figures.budget is None else figures.budget.remaining_ratio,
        state=figures.state,
    )
