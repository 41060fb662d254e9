"""OpenSLO objects as plain values, to change and check; those of the SDK for Go, and one that Slipstream evaluates."""

from __future__ import annotations

import copy
from typing import Any

from reporting.definitions.load import check
from reporting.definitions.yaml_text import read, write

Plain = dict[str, Any]


def metadata(name: str) -> Plain:
    return {"name": name, "displayName": "A name", "labels": {"team": ["team-a", "team-b"], "env": "prod"}}


def foreign(query: str) -> Plain:
    return {"metricSource": {"metricSourceRef": "my-datadog", "type": "Datadog", "spec": {"query": query}}}


def ours(**conditions: Any) -> Plain:
    return {"metricSource": {"type": "slipstream", "spec": {"source": "requests", "filter": conditions}}}


CONDITION_SPEC: Plain = {
    "description": "If the CPU usage is too high for given period then it should alert",
    "severity": "page",
    "condition": {"kind": "burnrate", "op": "lte", "threshold": 2, "lookbackWindow": "1h", "alertAfter": "5m"},
}
CONDITION: Plain = {
    "apiVersion": "openslo/v1",
    "kind": "AlertCondition",
    "metadata": metadata("cpu-usage-breach") | {"annotations": {"key": "value"}},
    "spec": CONDITION_SPEC,
}
TARGET: Plain = {
    "apiVersion": "openslo/v1",
    "kind": "AlertNotificationTarget",
    "metadata": metadata("on-call-mail-notification"),
    "spec": {"description": "Notifies by mail", "target": "email"},
}
POLICY_SPEC: Plain = {
    "description": "Alert policy for low priority notifications",
    "alertWhenBreaching": True,
    "conditions": [{"conditionRef": "cpu-usage-breach"}],
    "notificationTargets": [{"targetRef": "on-call-mail-notification"}],
}
POLICY: Plain = {
    "apiVersion": "openslo/v1",
    "kind": "AlertPolicy",
    "metadata": metadata("low-priority"),
    "spec": POLICY_SPEC,
}
SLI: Plain = {
    "apiVersion": "openslo/v1",
    "kind": "SLI",
    "metadata": metadata("search-availability"),
    "spec": {
        "description": "X% of search requests are successful",
        "ratioMetric": {"counter": True, "good": foreign("good"), "total": foreign("total")},
    },
}
SERVICE: Plain = {
    "apiVersion": "openslo/v1",
    "kind": "Service",
    "metadata": metadata("users-auth"),
    "spec": {"description": "Example Service"},
}
SLO: Plain = {
    "apiVersion": "openslo/v1",
    "kind": "SLO",
    "metadata": metadata("web-availability"),
    "spec": {
        "description": "X% of search requests are successful",
        "service": "web",
        "indicator": {
            "metadata": {"name": "web-successful-requests-ratio"},
            "spec": {"ratioMetric": {"counter": True, "good": foreign("good"), "total": foreign("total")}},
        },
        "timeWindow": [
            {
                "duration": "1w",
                "isRolling": False,
                "calendar": {"startTime": "2022-01-01 12:00:00", "timeZone": "America/New_York"},
            }
        ],
        "budgetingMethod": "Timeslices",
        "objectives": [{"displayName": "Good", "target": 0.995, "timeSliceTarget": 0.95, "timeSliceWindow": "1m"}],
        "alertPolicies": [{"alertPolicyRef": "alert-policy-1"}],
    },
}
"""The valid object of the SDK's slo_test.go."""

BURN_POLICY: Plain = {
    "kind": "AlertPolicy",
    "metadata": metadata("budget-page") | {"annotations": {"slipstream/window-pairs": "2% 1h/5m, 5% 6h/30m"}},
    "spec": {
        "alertWhenBreaching": True,
        "alertWhenResolved": True,
        "conditions": [
            {
                "kind": "AlertCondition",
                "metadata": {"name": "fast"},
                "spec": {
                    "severity": "page",
                    "condition": {"kind": "burnrate", "op": "gt", "threshold": 14.4, "lookbackWindow": "1h"},
                },
            }
        ],
        "notificationTargets": [
            {"kind": "AlertNotificationTarget", "metadata": {"name": "on-call"}, "spec": {"target": "page"}}
        ],
    },
}
CHECKOUT: Plain = {
    "apiVersion": "openslo/v1",
    "kind": "SLO",
    "metadata": {"name": "checkout"},
    "spec": {
        "service": "checkout",
        "indicator": {
            "metadata": {"name": "paid"},
            "spec": {
                "ratioMetric": {
                    "counter": True,
                    "good": ours(service="checkout", route="/pay", status="<500", duration_ms="<500"),
                    "total": ours(service="checkout", route="/pay"),
                }
            },
        },
        "timeWindow": [{"duration": "30d", "isRolling": True}],
        "budgetingMethod": "Occurrences",
        "objectives": [{"displayName": "Paid", "target": 0.99}],
        "alertPolicies": [BURN_POLICY],
    },
}
"""The example of the contract, as an SLO."""


def changed(value: Plain, *path: str | int, to: Any = None) -> Plain:
    """Return a copy with the value at a path replaced, or taken away."""
    copied: Any = copy.deepcopy(value)
    inner = copied
    for part in path[:-1]:
        inner = inner[part]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return copied


def yaml(*values: Plain) -> str:
    """Return objects as YAML; a Python float is written as the shortest decimal it is."""
    return write(list(values))


def mistakes(value: Plain) -> list[tuple[str, str]]:
    """Return path and code of what OpenSLO itself has against an object."""
    return sorted((finding.path, finding.code) for finding in check(read(yaml(value))[0].value))


INLINE_CONDITION: Plain = {"kind": "AlertCondition", "metadata": metadata("cpu"), "spec": CONDITION_SPEC}
INLINE_TARGET: Plain = {"kind": "AlertNotificationTarget", "metadata": metadata("mail"), "spec": TARGET["spec"]}
INLINE_POLICY: Plain = {"kind": "AlertPolicy", "metadata": metadata("low"), "spec": POLICY_SPEC}
RATIO = ("spec", "indicator", "spec", "ratioMetric")
OBJECTIVE = ("spec", "objectives", 0)
THRESHOLD_SLI: Plain = {"metadata": {"name": "lag"}, "spec": {"thresholdMetric": foreign("lag")}}
RAW: Plain = {"rawType": "success", "raw": foreign("ratio")}
THRESHOLD_SLO = changed(
    changed(changed(SLO, "spec", "indicator", to=THRESHOLD_SLI), *OBJECTIVE, "op", to="gte"), *OBJECTIVE, "value", to=10
)
COMPOSITE = changed(changed(SLO, "spec", "indicator"), *OBJECTIVE, "indicatorRef", to="my-sli")
BY_REFERENCE = changed(changed(SLO, "spec", "indicator"), "spec", "indicatorRef", to="my-sli")
