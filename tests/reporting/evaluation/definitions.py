"""SLOs for tests, as OpenSLO text."""

from __future__ import annotations

from typing import Any

from reporting.definitions.yaml_text import write

PAGE = {
    "kind": "AlertPolicy",
    "metadata": {"name": "page", "annotations": {"slipstream/window-pairs": "2% 1h/5m, 5% 6h/30m"}},
    "spec": {
        "alertWhenBreaching": True,
        "conditions": [
            {
                "kind": "AlertCondition",
                "metadata": {"name": "page"},
                "spec": {
                    "severity": "page",
                    "condition": {
                        "kind": "burnrate",
                        "op": "gt",
                        "threshold": 14.4,
                        "lookbackWindow": "1h",
                        "alertAfter": "0m",
                    },
                },
            }
        ],
        "notificationTargets": [
            {"kind": "AlertNotificationTarget", "metadata": {"name": "on-call"}, "spec": {"target": "page"}}
        ],
    },
}


def slo(
    name: str,
    *,
    total: dict[str, Any],
    good: dict[str, Any] | None = None,
    bad: dict[str, Any] | None = None,
    source: str = "requests",
    service: str = "slipstream",
    target: float = 0.99,
    window: dict[str, Any] | None = None,
    method: str = "Occurrences",
    alerts: bool = True,
    policies: list[dict[str, Any]] | None = None,
    **objective: Any,
) -> str:
    """Return one SLO as a text."""

    def metric(conditions: dict[str, Any]) -> dict[str, Any]:
        return {"metricSource": {"type": "slipstream", "spec": {"source": source, "filter": conditions}}}

    part = {"good": metric(good)} if good is not None else {"bad": metric(bad or {})}
    return write(
        [
            {
                "apiVersion": "openslo/v1",
                "kind": "SLO",
                "metadata": {"name": name},
                "spec": {
                    "service": service,
                    "indicator": {
                        "metadata": {"name": name},
                        "spec": {"ratioMetric": {"counter": True, **part, "total": metric(total)}},
                    },
                    "timeWindow": [window or {"duration": "30d", "isRolling": True}],
                    "budgetingMethod": method,
                    "objectives": [{"displayName": "Kept", "target": target, **objective}],
                    "alertPolicies": policies or ([PAGE] if alerts else []),
                },
            }
        ]
    )


def together(*texts: str) -> str:
    return "\n---\n".join(texts)
