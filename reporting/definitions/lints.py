"""What OpenSLO allows, Slipstream can evaluate, and hardly anybody means."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.definitions.durations import parse_duration, write_duration
from reporting.slo.exact import shown
from reporting.slo.objective import BudgetingMethod

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta

    from reporting.definitions.definition import AlertPolicy, Definition
    from reporting.definitions.findings import Path
    from reporting.definitions.installation import Installation
    from reporting.definitions.reporter import Reporter
    from reporting.slo.burn_rate_alert import BurnRateAlert

_TOLERANCE = Decimal("0.1")
"""Months differ by as much from 30 days, and 28 days do."""


def lint(definition: Definition, report: Reporter, here: Installation) -> None:
    """Report doubts about an SLO, and what cannot be evaluated here; a calendar's period counts its nominal length."""
    _lint_slices(definition, here.minutes_kept, report)
    if not definition.policies:
        report.warning(("spec", "alertPolicies"), "no_alerts", "nobody is told when the budget burns")
    length = definition.window.nominal_length
    for index, policy in enumerate(definition.policies):
        path = ("spec", "alertPolicies", index)
        _lint_telling(policy, here.targets, path, report)
        _lint_threshold_alert(definition, policy, path, report)
        for pair in policy.pairs:
            alert = pair.for_period(length)
            _lint_alert(definition, policy, alert, path, report)
            if pair.budget_share is not None:
                _lint_threshold(definition, index, alert, path, report)


def _lint_slices(definition: Definition, kept: timedelta | None, report: Reporter) -> None:
    """Refuse slices over a window of which the first minutes would be gone before its end: the rest would be taken for all of it."""
    length = definition.window.nominal_length
    if kept is None or length <= kept or definition.objective.method is BudgetingMethod.OCCURRENCES:
        return
    message = (
        f"slices are counted from minutes, which are kept for {write_duration(kept)} here: a window of {write_duration(length)} "
        "needs SLIPSTREAM_MINUTE_RETENTION_DAYS to be as long, or budgetingMethod: Occurrences"
    )
    report.error(("spec", "timeWindow", 0, "duration"), "minutes_not_kept", message)


def _lint_telling(policy: AlertPolicy, targets: Collection[str] | None, path: Path, report: Reporter) -> None:
    """Report what is told to nobody, or to others than it says."""
    if not policy.when_breaching:
        message = f"{policy.name} tells nobody when the budget burns, since its alertWhenBreaching is not true"
        report.warning(path, "never_alerts", message)
    for target in policy.targets:
        if targets is not None and target.target not in targets:
            message = (
                f"the target {target.target!r} of {policy.name} is not among the settings ({', '.join(sorted(targets))}): "
                "until it is in NOTIFY_TARGETS its alerts go where those of their severity do"
            )
            report.warning(path, "unknown_target", message)


def _lint_threshold_alert(definition: Definition, policy: AlertPolicy, path: Path, report: Reporter) -> None:
    """Report when a tool that knows only the standard condition would alert at quite another error ratio."""
    if policy.threshold is None:
        return
    alert = policy.threshold.for_indicator(definition.indicator)
    if alert.window > definition.window.nominal_length:
        length = write_duration(definition.window.nominal_length)
        message = (
            f"{policy.name} looks back {write_duration(alert.window)}, further than the SLO with its window of {length}"
        )
        report.warning(path, "window_too_long", message)
    if alert.slower_than_ms is None and policy.condition.factor is not None:
        factor = shown(alert.limit(definition.objective) / Fraction(definition.objective.budget))
        if abs(factor - policy.condition.factor) > factor * _TOLERANCE:
            message = (
                f"{alert.text} is a burn rate of {_plain(factor)} here, and the condition that other tools read says "
                f"{_plain(policy.condition.factor)}"
            )
            report.warning(path, "threshold_disagrees", message)


def _lint_alert(
    definition: Definition, policy: AlertPolicy, alert: BurnRateAlert, path: Path, report: Reporter
) -> None:
    windows, target = write_duration(alert.long_window), definition.objective.target
    if not alert.can_fire(definition.objective):
        errors = _plain(shown(alert.limit(definition.objective) * 100))
        message = (
            f"{policy.name} can never fire over {windows}: at a target of {target} "
            f"a burn rate of {_plain(shown(alert.factor))} would be {errors} % of errors"
        )
        report.warning(path, "impossible_alert", message)
    length = definition.window.nominal_length
    if alert.long_window > length:
        message = (
            f"{policy.name} looks back {windows}, further than the SLO with its window of {write_duration(length)}"
        )
        report.warning(path, "window_too_long", message)


def _lint_threshold(definition: Definition, index: int, alert: BurnRateAlert, path: Path, report: Reporter) -> None:
    """Report when a tool that knows only the standard condition would alert at quite another burn rate."""
    condition = definition.written.spec.alert_policies[index].spec.conditions[0].spec.condition
    if condition.threshold is None or parse_duration(condition.lookback_window).length != alert.long_window:
        return
    factor = shown(alert.factor)
    if abs(factor - condition.threshold) > factor * _TOLERANCE:
        message = (
            f"its share of the budget is a burn rate of {_plain(factor)} over {condition.lookback_window}, "
            f"and the condition that other tools read says {_plain(condition.threshold)}"
        )
        report.warning(path, "threshold_disagrees", message)


def _plain(number: Decimal) -> str:
    return f"{round(number, 4).normalize():f}"
