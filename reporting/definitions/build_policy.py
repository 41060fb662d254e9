"""Builds an alert policy: its condition, the pairs of windows or the threshold of the extensions, whom it tells."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.definitions.definition import AlertPolicy, NotificationTarget
from reporting.definitions.durations import parse_duration
from reporting.definitions.thresholds import ANNOTATION as THRESHOLD
from reporting.definitions.thresholds import ThresholdError, parse_threshold
from reporting.definitions.window_pairs import ANNOTATION, PairsError, parse_pairs
from reporting.slo.burn_rate_alert import AlertSeverity, WindowPair
from reporting.slo.windows import MINUTE

if TYPE_CHECKING:
    from reporting.definitions import openslo
    from reporting.definitions.findings import Path
    from reporting.definitions.reporter import Reporter
    from reporting.definitions.thresholds import Threshold

_SEVERITIES = tuple(severity.value for severity in AlertSeverity)
_OURS = ANNOTATION.split("/")[0] + "/"
TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def build_policy(
    metadata: openslo.Metadata,
    spec: openslo.AlertPolicySpec,
    path: Path,
    report: Reporter,
    *,
    condition_report: Reporter | None = None,
) -> AlertPolicy | None:
    """Return the policy, or None after reporting why there is none.

    `path` is that of the object, whose references are resolved and which keeps OpenSLO's rules. `condition_report` is
    for a condition that came by reference, and is reported where it is defined.
    """
    _check_annotations(metadata, path, report)
    place = (*path, "spec", "conditions", 0, "spec")
    single = build_condition(spec.conditions[0].spec, place, condition_report or report)
    if single is None:
        return None
    before = len(report.findings)
    threshold = _threshold(metadata, single, path, report)
    pairs = () if THRESHOLD in metadata.annotations else _pairs(metadata, single, path, report)
    targets = _targets(spec, path, report)
    if pairs is None or len(report.findings) > before:
        return None
    return AlertPolicy(
        name=metadata.name,
        display_name=metadata.display_name or metadata.name,
        pairs=pairs,
        threshold=threshold,
        condition=single,
        targets=targets,
        when_breaching=spec.alert_when_breaching,
        when_resolved=spec.alert_when_resolved,
        when_no_data=spec.alert_when_no_data,
    )


def build_condition(spec: openslo.AlertConditionSpec, path: Path, report: Reporter) -> WindowPair | None:
    """Return the condition as a pair without a short window, or None after reporting why there is none."""
    condition = spec.condition
    before = len(report.findings)
    if spec.severity not in _SEVERITIES:
        allowed = " or ".join(_SEVERITIES)
        report.error((*path, "severity"), "unsupported", f"the severity is {allowed}, not {spec.severity!r}")
    path = (*path, "condition")
    if condition.op in {"lt", "lte"}:
        message = f"{condition.op} would alert while little is burned and be silent while much is; write gt or gte"
        report.error((*path, "op"), "inverted_op", message)
    if condition.threshold is None or condition.threshold <= 0:
        report.error((*path, "threshold"), "threshold", "a burn rate to alert at is above 0")
    lookback = parse_duration(condition.lookback_window).length
    if lookback < MINUTE:
        report.error((*path, "lookbackWindow"), "window_length", "a window lasts a minute or longer")
    if len(report.findings) > before:
        return None
    hold = parse_duration(condition.alert_after).length if condition.alert_after else timedelta(0)
    return WindowPair(
        severity=AlertSeverity(spec.severity),
        long_window=lookback,
        short_window=None,
        factor=condition.threshold,
        hold=hold,
        inclusive=condition.op == "gte",
    )


def _pairs(
    metadata: openslo.Metadata, single: WindowPair, path: Path, report: Reporter
) -> tuple[WindowPair, ...] | None:
    text = metadata.annotations.get(ANNOTATION)
    if text is None:
        return (single,)
    path = (*path, "metadata", "annotations", ANNOTATION)
    try:
        pairs = parse_pairs(text, single.severity, hold=single.hold, inclusive=single.inclusive)
    except PairsError as error:
        report.error(path, error.code, str(error))
        return None
    same = [pair for pair in pairs if pair.long_window == single.long_window]
    if not same:
        message = "none of the pairs has the lookbackWindow of the condition, which other tools alert on"
        report.error(path, "pairs_disagree", message)
        return None
    if same[0].factor is not None and same[0].factor != single.factor:
        message = f"the pair has a burn rate of {same[0].factor}, and the condition a threshold of {single.factor}"
        report.error(path, "pairs_disagree", message)
        return None
    return pairs


def _threshold(metadata: openslo.Metadata, single: WindowPair, path: Path, report: Reporter) -> Threshold | None:
    text = metadata.annotations.get(THRESHOLD)
    if text is None:
        return None
    path = (*path, "metadata", "annotations", THRESHOLD)
    if ANNOTATION in metadata.annotations:
        report.error(path, "mutually_exclusive", f"a policy has {THRESHOLD} or {ANNOTATION}: write two policies")
        return None
    try:
        return parse_threshold(text, severity=single.severity, window=single.long_window, hold=single.hold)
    except ThresholdError as error:
        report.error(path, error.code, str(error))
        return None


def _targets(spec: openslo.AlertPolicySpec, path: Path, report: Reporter) -> tuple[NotificationTarget, ...]:
    """A definition names targets. Addresses hold secrets and lead anywhere, so they are in the settings alone."""
    targets = []
    for index, each in enumerate(spec.notification_targets):
        if not TARGET_NAME.fullmatch(each.spec.target):
            place = (*path, "spec", "notificationTargets", index, "spec", "target")
            message = "is page, ticket or a name in the setting NOTIFY_TARGETS, and never an address"
            report.error(place, "target_is_no_name", message)
        targets.append(NotificationTarget(name=each.metadata.name, target=each.spec.target))
    return tuple(targets)


def _check_annotations(metadata: openslo.Metadata, path: Path, report: Reporter) -> None:
    for key in metadata.annotations:
        if key.startswith(_OURS) and key not in {ANNOTATION, THRESHOLD}:
            place = (*path, "metadata", "annotations", key)
            message = f"there is no such annotation; a policy has {ANNOTATION} or {THRESHOLD}"
            report.error(place, "unknown_annotation", message)
