"""OpenSLO's rules for alert policies, conditions and notification targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.definitions.metadata_rules import check_metadata
from reporting.definitions.openslo import AlertConditionSpec

if TYPE_CHECKING:
    from reporting.definitions.findings import Path
    from reporting.definitions.openslo import (
        AlertConditionItem,
        AlertNotificationTargetItem,
        AlertNotificationTargetSpec,
        AlertPolicyItem,
        AlertPolicySpec,
        Condition,
        Metadata,
    )
    from reporting.definitions.reporter import Reporter

OPERATORS = ("gt", "lt", "gte", "lte")


def check_policy_item(item: AlertPolicyItem, path: Path, report: Reporter) -> None:
    inline = _inline(item.alert_policy_ref, "alertPolicyRef", (item.kind, item.metadata, item.spec), path, report)
    if inline:
        _check_inline(item.kind, "AlertPolicy", item.metadata, path, report)
        check_policy_spec(item.spec, (*path, "spec"), report)


def check_policy_spec(spec: AlertPolicySpec, path: Path, report: Reporter) -> None:
    report.description(spec.description, (*path, "description"))
    if len(spec.conditions) != 1:
        report.error((*path, "conditions"), "slice_length", "is a list of exactly one condition")
    else:
        _check_condition_item(spec.conditions[0], (*path, "conditions", 0), report)
    if not spec.notification_targets:
        report.error((*path, "notificationTargets"), "slice_min_length", "is a list of at least one target")
    for index, target in enumerate(spec.notification_targets):
        _check_target_item(target, (*path, "notificationTargets", index), report)


def _check_condition_item(item: AlertConditionItem, path: Path, report: Reporter) -> None:
    inline = _inline(item.condition_ref, "conditionRef", (item.kind, item.metadata, item.spec), path, report)
    if inline:
        _check_inline(item.kind, "AlertCondition", item.metadata, path, report)
        check_condition_spec(item.spec, (*path, "spec"), report)


def check_condition_spec(spec: AlertConditionSpec, path: Path, report: Reporter) -> None:
    if spec == AlertConditionSpec():
        report.required(None, path)
        return
    report.description(spec.description, (*path, "description"))
    report.required(spec.severity, (*path, "severity"))
    _check_condition(spec.condition, (*path, "condition"), report)


def _check_condition(condition: Condition, path: Path, report: Reporter) -> None:
    if not report.required(condition.kind, (*path, "kind")):
        return
    if not report.one_of(condition.kind, ("burnrate",), (*path, "kind")):
        return
    if report.required(condition.op, (*path, "op")):
        report.one_of(condition.op, OPERATORS, (*path, "op"))
    if condition.threshold is None:
        report.required(None, (*path, "threshold"))
    if report.required(condition.lookback_window, (*path, "lookbackWindow")):
        report.duration(condition.lookback_window, (*path, "lookbackWindow"))
    if condition.alert_after is not None:
        report.duration(condition.alert_after, (*path, "alertAfter"))


def _check_target_item(item: AlertNotificationTargetItem, path: Path, report: Reporter) -> None:
    inline = _inline(item.target_ref, "targetRef", (item.kind, item.metadata, item.spec), path, report)
    if inline:
        _check_inline(item.kind, "AlertNotificationTarget", item.metadata, path, report)
        check_target_spec(item.spec, (*path, "spec"), report)


def check_target_spec(spec: AlertNotificationTargetSpec, path: Path, report: Reporter) -> None:
    report.description(spec.description, (*path, "description"))
    report.required(spec.target, (*path, "target"))


def _inline(
    reference: str | None, name: str, given: tuple[str, Metadata, object], path: Path, report: Reporter
) -> bool:
    """Check that an item is a reference or an object, and check the reference; return whether it is an object."""
    kind, metadata, spec = given
    inline = bool(kind) or metadata != type(metadata)() or spec != type(spec)()
    if not report.exclusive({name: reference is not None, "spec": inline}, path):
        return False
    if reference is not None and report.required(reference, (*path, name)):
        report.name(reference, (*path, name))
    return inline


def _check_inline(kind: str, wanted: str, metadata: Metadata, path: Path, report: Reporter) -> None:
    if report.required(kind, (*path, "kind")) and kind != wanted:
        report.error((*path, "kind"), "equal_to", f"is {wanted}, not {kind!r}")
    check_metadata(metadata, (*path, "metadata"), report)
