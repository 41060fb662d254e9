"""OpenSLO v1 as it is written: one structure for each kind of object, named and shaped as in its specification.

https://github.com/OpenSLO/OpenSLO#specification. A field that is missing has the empty value of its type, so that the
rules, and not the decoder, say what is required. Numbers are `Decimal`; durations and times are texts until a rule has
read them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

API_VERSION = "openslo/v1"


class _Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class Metadata(_Struct, frozen=True):
    name: str = ""
    display_name: str = ""
    labels: dict[str, Any] = {}
    """Texts, or lists of texts."""
    annotations: dict[str, Any] = {}
    """Texts."""


class MetricSource(_Struct, frozen=True):
    metric_source_ref: str = ""
    type: str = ""
    spec: dict[str, Any] | None = None


class Metric(_Struct, frozen=True):
    metric_source: MetricSource | None = None


class RatioMetric(_Struct, frozen=True):
    counter: bool = False
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    raw_type: str = ""
    raw: Metric | None = None


class SLISpec(_Struct, frozen=True):
    description: str = ""
    threshold_metric: Metric | None = None
    ratio_metric: RatioMetric | None = None


class InlineSLI(_Struct, frozen=True):
    metadata: Metadata = Metadata()
    spec: SLISpec = SLISpec()


class Calendar(_Struct, frozen=True):
    start_time: str = ""
    time_zone: str = ""


class TimeWindow(_Struct, frozen=True):
    duration: str = ""
    is_rolling: bool = False
    calendar: Calendar | None = None


class Objective(_Struct, frozen=True):
    display_name: str = ""
    op: str = ""
    value: Decimal | None = None
    target: Decimal | None = None
    target_percent: Decimal | None = None
    time_slice_target: Decimal | None = None
    time_slice_window: str | int | None = None
    """A number alone is minutes."""
    indicator: InlineSLI | None = None
    indicator_ref: str | None = None
    composite_weight: Decimal | None = None


class Condition(_Struct, frozen=True):
    kind: str = ""
    op: str = ""
    threshold: Decimal | None = None
    lookback_window: str = ""
    alert_after: str | None = None


class AlertConditionSpec(_Struct, frozen=True):
    description: str = ""
    severity: str = ""
    condition: Condition = Condition()


class AlertConditionItem(_Struct, frozen=True):
    """A condition in a policy: a reference, or the object itself."""

    condition_ref: str | None = None
    kind: str = ""
    metadata: Metadata = Metadata()
    spec: AlertConditionSpec = AlertConditionSpec()


class AlertNotificationTargetSpec(_Struct, frozen=True):
    description: str = ""
    target: str = ""


class AlertNotificationTargetItem(_Struct, frozen=True):
    """A notification target in a policy: a reference, or the object itself."""

    target_ref: str | None = None
    kind: str = ""
    metadata: Metadata = Metadata()
    spec: AlertNotificationTargetSpec = AlertNotificationTargetSpec()


class AlertPolicySpec(_Struct, frozen=True):
    description: str = ""
    alert_when_no_data: bool = False
    alert_when_breaching: bool = False
    alert_when_resolved: bool = False
    conditions: list[AlertConditionItem] = []
    notification_targets: list[AlertNotificationTargetItem] = []


class AlertPolicyItem(_Struct, frozen=True):
    """A policy in an SLO: a reference, or the object itself."""

    alert_policy_ref: str | None = None
    kind: str = ""
    metadata: Metadata = Metadata()
    spec: AlertPolicySpec = AlertPolicySpec()


class SLOSpec(_Struct, frozen=True):
    description: str = ""
    service: str = ""
    indicator: InlineSLI | None = None
    indicator_ref: str | None = None
    time_window: list[TimeWindow] = []
    budgeting_method: str = ""
    objectives: list[Objective] = []
    alert_policies: list[AlertPolicyItem] = []


class ServiceSpec(_Struct, frozen=True):
    description: str = ""


class _Object(_Struct, frozen=True):
    api_version: str = ""
    kind: str = ""
    metadata: Metadata = Metadata()


class SLO(_Object, frozen=True):
    spec: SLOSpec = SLOSpec()


class SLI(_Object, frozen=True):
    spec: SLISpec = SLISpec()


class Service(_Object, frozen=True):
    spec: ServiceSpec = ServiceSpec()


class AlertPolicy(_Object, frozen=True):
    spec: AlertPolicySpec = AlertPolicySpec()


class AlertCondition(_Object, frozen=True):
    spec: AlertConditionSpec = AlertConditionSpec()


class AlertNotificationTarget(_Object, frozen=True):
    spec: AlertNotificationTargetSpec = AlertNotificationTargetSpec()


OpenSLO = SLO | SLI | Service | AlertPolicy | AlertCondition | AlertNotificationTarget

KINDS: dict[str, type[OpenSLO]] = {
    kind.__name__: kind for kind in (SLO, SLI, Service, AlertPolicy, AlertCondition, AlertNotificationTarget)
}
