"""References between objects: looked up among those of the text and those already applied, and replaced.

An object by reference and the same object inline mean the same. What is stored and evaluated has everything inline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from reporting.definitions import openslo
from reporting.definitions.reporter import Reporter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reporting.definitions.findings import Path

_Kind = TypeVar("_Kind", bound=openslo.OpenSLO)


class Library:
    """Objects by kind and name, of several with the same name the last; `broken` ones are there, and of no use."""

    def __init__(self, objects: Iterable[openslo.OpenSLO] = (), broken: Collection[tuple[str, str]] = ()) -> None:
        self._objects = {(each.kind, each.metadata.name): each for each in objects}
        self._broken = frozenset(broken)

    def find(self, kind: type[_Kind], name: str, path: Path, report: Reporter) -> _Kind | None:
        """Return the object a reference at `path` names; a missing one is reported, a broken one has been."""
        key = (kind.__name__, name)
        if key in self._broken:
            return None
        found = self._objects.get(key)
        if not isinstance(found, kind):
            report.error(path, "unknown_reference", f"there is no {kind.__name__} {name!r}, here or applied before")
            return None
        return found


def inlined(slo: openslo.SLO, library: Library, report: Reporter) -> openslo.SLO | None:
    """Return an SLO with every reference replaced, or None after reporting which could not be."""
    spec = slo.spec
    indicator: openslo.InlineSLI | None = spec.indicator
    if spec.indicator_ref is not None:
        sli = library.find(openslo.SLI, spec.indicator_ref, ("spec", "indicatorRef"), report)
        indicator = None if sli is None else openslo.InlineSLI(metadata=sli.metadata, spec=sli.spec)
    policies = [
        _policy(item, ("spec", "alertPolicies", index), library, report)
        for index, item in enumerate(spec.alert_policies)
    ]
    found = [policy for policy in policies if policy is not None]
    if len(found) < len(policies) or (indicator is None and spec.indicator_ref is not None):
        return None
    return replace(slo, spec=replace(spec, indicator=indicator, indicator_ref=None, alert_policies=found))


def inlined_policy(
    spec: openslo.AlertPolicySpec, path: Path, library: Library, report: Reporter
) -> openslo.AlertPolicySpec | None:
    """Return the spec of a policy with every reference replaced, or None after reporting which could not be."""
    conditions: list[openslo.AlertConditionItem] = []
    for index, item in enumerate(spec.conditions):
        if item.condition_ref is None:
            conditions.append(item)
            continue
        place = (*path, "conditions", index, "conditionRef")
        condition = library.find(openslo.AlertCondition, item.condition_ref, place, report)
        if condition is not None:
            kind, metadata = condition.kind, condition.metadata
            conditions.append(openslo.AlertConditionItem(kind=kind, metadata=metadata, spec=condition.spec))
    targets: list[openslo.AlertNotificationTargetItem] = []
    for index, each in enumerate(spec.notification_targets):
        if each.target_ref is None:
            targets.append(each)
            continue
        place = (*path, "notificationTargets", index, "targetRef")
        target = library.find(openslo.AlertNotificationTarget, each.target_ref, place, report)
        if target is not None:
            kind, metadata = target.kind, target.metadata
            targets.append(openslo.AlertNotificationTargetItem(kind=kind, metadata=metadata, spec=target.spec))
    if len(conditions) < len(spec.conditions) or len(targets) < len(spec.notification_targets):
        return None
    return replace(spec, conditions=conditions, notification_targets=targets)


def _policy(
    item: openslo.AlertPolicyItem, path: Path, library: Library, report: Reporter
) -> openslo.AlertPolicyItem | None:
    if item.alert_policy_ref is None:
        spec = inlined_policy(item.spec, (*path, "spec"), library, report)
        return None if spec is None else replace(item, spec=spec)
    policy = library.find(openslo.AlertPolicy, item.alert_policy_ref, (*path, "alertPolicyRef"), report)
    if policy is None:
        return None
    # What is missing in a policy of its own is reported there.
    spec = inlined_policy(policy.spec, (), library, Reporter())
    if spec is None:
        return None
    return openslo.AlertPolicyItem(kind=policy.kind, metadata=policy.metadata, spec=spec)
