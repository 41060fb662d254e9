"""Builds the definition of an SLO out of its object and those it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.definitions.build_indicator import build_indicator
from reporting.definitions.build_objective import build_objective, build_window
from reporting.definitions.build_policy import build_policy
from reporting.definitions.definition import Definition
from reporting.definitions.references import inlined
from reporting.definitions.reporter import Reporter
from reporting.definitions.thresholds import ThresholdError

if TYPE_CHECKING:
    from reporting.definitions import openslo
    from reporting.definitions.definition import AlertPolicy, Indicator
    from reporting.definitions.references import Library

_SPEC = ("spec",)


def build(slo: openslo.SLO, library: Library, report: Reporter) -> Definition | None:
    """Return the definition, or None after reporting why there is none; the SLO keeps OpenSLO's rules.

    What came by reference is reported where it is defined, and not again here.
    """
    window = build_window(slo.spec, _SPEC, report)
    objective = build_objective(slo.spec, _SPEC, report)
    complete = inlined(slo, library, report)
    if complete is None:
        return None
    indicator = _indicator(slo, complete, report)
    policies = _policies(slo, complete, report)
    if window is None or objective is None or indicator is None or policies is None:
        return None
    if not _thresholds_fit(policies, indicator, report):
        return None
    return Definition(
        name=slo.metadata.name,
        display_name=slo.metadata.display_name or slo.metadata.name,
        service=slo.spec.service,
        description=slo.spec.description,
        indicator=indicator,
        window=window,
        objective=objective,
        policies=policies,
        written=complete,
    )


def _indicator(slo: openslo.SLO, complete: openslo.SLO, report: Reporter) -> Indicator | None:
    sli = complete.spec.indicator
    if sli is None:
        return None
    reported = report if slo.spec.indicator is not None else Reporter()
    return build_indicator(sli.metadata.name, sli.spec, (*_SPEC, "indicator", "spec"), reported)


def _policies(slo: openslo.SLO, complete: openslo.SLO, report: Reporter) -> tuple[AlertPolicy, ...] | None:
    policies: list[AlertPolicy] = []
    for index, (item, given) in enumerate(zip(complete.spec.alert_policies, slo.spec.alert_policies, strict=True)):
        reported = report if given.alert_policy_ref is None else Reporter()
        by_reference = any(condition.condition_ref is not None for condition in given.spec.conditions)
        condition_report = Reporter() if by_reference else None
        path = (*_SPEC, "alertPolicies", index)
        policy = build_policy(item.metadata, item.spec, path, reported, condition_report=condition_report)
        if policy is not None:
            policies.append(policy)
    return tuple(policies) if len(policies) == len(slo.spec.alert_policies) else None


def _thresholds_fit(policies: tuple[AlertPolicy, ...], indicator: Indicator, report: Reporter) -> bool:
    """Report thresholds on what the SLO does not measure, at the SLO, since others may share the policy."""
    before = len(report.findings)
    for index, policy in enumerate(policies):
        if policy.threshold is not None:
            try:
                policy.threshold.for_indicator(indicator)
            except ThresholdError as error:
                report.error((*_SPEC, "alertPolicies", index), error.code, str(error))
    return len(report.findings) == before
