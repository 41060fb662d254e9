"""Alerting rules: each pair of windows and each threshold of each policy, silence of the metrics, and a dead-man's switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.prometheus.promises import targets_of
from dashboards.prometheus.queries import REQUESTS
from dashboards.prometheus.recording import ERROR_RATIO, TOTAL, recorded
from dashboards.prometheus.selectors import labels
from reporting.definitions.durations import write_duration
from reporting.slo.alert_timing import budget_spent_at_detection
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from dashboards.prometheus.promises import Burn, Plain, Promise, Silence

BURN_ALERT = "ErrorBudgetBurn"
PLAIN_ALERT = "SLOThreshold"
NO_DATA_ALERT = "SLOHasNoData"
ABSENT_ALERT = "SlipstreamMetricsAbsent"
DEAD_MANS_SWITCH = "DeadMansSwitch"
SILENT_FOR = "10m"


def alerting_rules(promises: Iterable[Promise]) -> dict[str, Any]:
    """Return the content of a rules file."""
    groups = [
        {"name": f"slipstream-alerts-{promise.definition.name}", "rules": rules}
        for promise in promises
        if (rules := list(_alerts(promise)))
    ]
    return {"groups": [*groups, {"name": "slipstream-watchdog", "rules": [_absent(), _dead_mans_switch()]}]}


def burn_labels(promise: Promise, burn: Burn) -> dict[str, str]:
    """Return what identifies an alert and leads it to its receivers."""
    return {
        **promise.labels,
        "severity": burn.alert.severity.value,
        "rank": str(burn.rank),
        "long_window": write_duration(burn.alert.long_window),
        "targets": targets_of(burn.policy),
    }


def burn_annotations(promise: Promise, burn: Burn) -> dict[str, str]:
    """Say what has happened, in words without numbers of the moment, which Alertmanager's page has."""
    spent = budget_spent_at_detection(burn.alert, promise.period) * 100
    window = write_duration(burn.alert.long_window)
    return _annotations(promise, f"{float(spent):g} % of the error budget is spent in {window}")


def policy_labels(promise: Promise, told: Plain | Silence) -> dict[str, str]:
    """Return what identifies an alert on a plain figure or on silence and leads it to its receivers."""
    return {
        **promise.labels,
        "severity": told.alert.severity.value,
        "policy": told.policy.name,
        "targets": targets_of(told.policy),
    }


def plain_annotations(promise: Promise, plain: Plain) -> dict[str, str]:
    """Say what it compares."""
    return _annotations(promise, f"{plain.alert.text} over {write_duration(plain.alert.window)}")


def _annotations(promise: Promise, what: str) -> dict[str, str]:
    name = promise.definition.display_name or promise.definition.name
    return {"summary": f"{name}: {what}", "description": promise.definition.description}


def _alerts(promise: Promise) -> Iterator[dict[str, Any]]:
    for burn in promise.burns:
        yield {
            "alert": BURN_ALERT,
            "expr": " and ".join(_exceeds(promise, burn, window) for window in burn.windows),
            **({"for": write_duration(burn.hold)} if burn.hold else {}),
            "labels": burn_labels(promise, burn),
            "annotations": burn_annotations(promise, burn),
        }
    for plain in promise.plain:
        yield {
            "alert": PLAIN_ALERT,
            "expr": f"{_ratio(promise, plain)} {'>=' if plain.alert.inclusive else '>'} {plain.limit}",
            **({"for": write_duration(plain.hold)} if plain.hold else {}),
            "labels": policy_labels(promise, plain),
            "annotations": plain_annotations(promise, plain),
        }
    for silence in promise.silences:
        yield {
            "alert": NO_DATA_ALERT,
            # Counters that stand still are there, and 0.
            "expr": f"absent({recorded(TOTAL, silence.alert.window)}{labels(promise.labels)} > 0)",
            "for": write_duration(silence.hold),
            "labels": policy_labels(promise, silence),
            "annotations": _annotations(promise, f"nothing is counted over {write_duration(silence.alert.window)}"),
        }


def _ratio(promise: Promise, plain: Plain) -> str:
    """Return the share of bad events: recorded, or of a histogram at the edge of a percentile's duration."""
    if not plain.is_slow:
        return f"{recorded(ERROR_RATIO, plain.alert.window)}{labels(promise.labels)}"
    window = write_duration(plain.alert.window)
    return f"({plain.query.bad_in(window)}) / ({plain.query.total_in(window)} > 0)"


def _exceeds(promise: Promise, burn: Burn, window: timedelta) -> str:
    operator = ">=" if burn.alert.inclusive else ">"
    return f"{recorded(ERROR_RATIO, window)}{labels(promise.labels)} {operator} {burn.limit}"


def _absent() -> dict[str, Any]:
    """Without metrics no alert above can fire, and none may resolve unnoticed."""
    return {
        "alert": ABSENT_ALERT,
        "expr": f"absent({REQUESTS})",
        "for": SILENT_FOR,
        "labels": {"severity": AlertSeverity.PAGE.value},
        "annotations": {
            "summary": "Prometheus has no metrics of Slipstream",
            "description": "Nothing is scraped, so no alert on an error budget can fire or resolve.",
        },
    }


def _dead_mans_switch() -> dict[str, Any]:
    """It always fires. Whoever stops hearing it knows that Prometheus, Alertmanager or the way between is broken."""
    return {
        "alert": DEAD_MANS_SWITCH,
        "expr": "vector(1)",
        "labels": {"severity": "none"},
        "annotations": {
            "summary": "Alerting works",
            "description": "Fires always. Send it to a service that pages when it has not heard this for some minutes.",
        },
    }
