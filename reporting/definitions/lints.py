"""What OpenSLO allows, Slipstream can evaluate, and hardly anybody means."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reporting.definitions.durations import parse_duration, write_duration
from reporting.slo.exact import shown

if TYPE_CHECKING:
    from reporting.definitions.definition import AlertPolicy, Definition
    from reporting.definitions.findings import Path
    from reporting.definitions.reporter import Reporter
    from reporting.slo.burn_rate_alert import BurnRateAlert

_TOLERANCE = Decimal("0.1")
"""Months differ by as much from 30 days, and 28 days do."""


def lint(definition: Definition, report: Reporter) -> None:
    """Report doubts about an SLO; a calendar's period counts its nominal length."""
    if not definition.policies:
        report.warning(("spec", "alertPolicies"), "no_alerts", "nobody is told when the budget burns")
    length = definition.window.nominal_length
    for index, policy in enumerate(definition.policies):
        path = ("spec", "alertPolicies", index)
        _lint_telling(policy, path, report)
        for pair in policy.pairs:
            alert = pair.for_period(length)
            _lint_alert(definition, policy, alert, path, report)
            if pair.budget_share is not None:
                _lint_threshold(definition, index, alert, path, report)


def _lint_telling(policy: AlertPolicy, path: Path, report: Reporter) -> None:
    """Report what is asked for and Slipstream's own alerts do not do."""
    if not policy.when_breaching:
        message = f"{policy.name} tells nobody when the budget burns, since its alertWhenBreaching is not true"
        report.warning(path, "never_alerts", message)
    if policy.when_no_data:
        message = (
            f"alertWhenNoData of {policy.name} holds in exported rules alone: "
            "Slipstream's own alerts wait until something is measured again"
        )
        report.warning(path, "no_data_not_told", message)
    severities = {pair.severity.value for pair in policy.pairs}
    for target in policy.targets:
        if target.target not in severities:
            message = (
                f"the target {target.target!r} of {policy.name} holds in exported rules alone: Slipstream tells "
                f"whom NOTIFY_PAGE and NOTIFY_TICKET name, by severity, here {' and '.join(sorted(severities))}"
            )
            report.warning(path, "target_not_told", message)


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
