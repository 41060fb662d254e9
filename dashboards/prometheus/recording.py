"""Recording rules: how many events were counted and how many were bad, in every window that somebody asks for.

Both counts are recorded, and ratios are made of them. The ratio of the whole period is one of sums, so that an hour with
a thousand times the traffic weighs a thousand times as much; an average of ratios would not (sloth #618, #656).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.prometheus.promises import STEP, decimal_text
from dashboards.prometheus.selectors import labels
from reporting.definitions.durations import write_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from dashboards.prometheus.promises import Promise

TOTAL, BAD, ERROR_RATIO = "slipstream:slo_total", "slipstream:slo_bad", "slipstream:slo_error_ratio"
TARGET = "slipstream:slo_target:ratio"
BUDGET_LEFT = "slipstream:slo_error_budget_remaining:ratio"
BURN_RATE = "slipstream:slo_burn_rate"
EVERY = "30s"


def recorded(name: str, window: timedelta) -> str:
    """Return the name of a recorded series, such as `slipstream:slo_bad:increase1h`."""
    return f"{name}:increase{write_duration(window)}"


def recording_rules(promises: Iterable[Promise]) -> dict[str, Any]:
    """Return the content of a rules file: a group for each SLO, whose rules are evaluated in their order."""
    return {
        "groups": [
            {"name": f"slipstream-slo-{promise.definition.name}", "interval": EVERY, "rules": list(_rules(promise))}
            for promise in promises
        ]
    }


def _rules(promise: Promise) -> Iterator[dict[str, Any]]:
    own = labels(promise.labels)
    for window in promise.windows:
        text = write_duration(window)
        yield _rule(promise, recorded(TOTAL, window), promise.query.total_in(text))
        yield _rule(promise, recorded(BAD, window), promise.query.bad_in(text))
        yield _ratio(promise, window)
    if promise.period not in promise.windows:
        for name in (TOTAL, BAD):
            # Each event is in as many of the added windows as every other, so the ratio is that of the events.
            summed = f"sum_over_time({recorded(name, STEP)}{own}[{write_duration(promise.period)}])"
            yield _rule(promise, recorded(name, promise.period), summed)
        yield _ratio(promise, promise.period)
    budget = decimal_text(promise.budget)
    yield _rule(promise, TARGET, f"vector({promise.definition.objective.target:f})")
    yield _rule(promise, BUDGET_LEFT, f"1 - {recorded(ERROR_RATIO, promise.period)}{own} / {budget}")
    yield _rule(promise, f"{BURN_RATE}:5m", f"{recorded(ERROR_RATIO, STEP)}{own} / {budget}")


def _ratio(promise: Promise, window: timedelta) -> dict[str, Any]:
    """Nothing counted is no ratio: neither 0 nor 1, and no alert."""
    own = labels(promise.labels)
    expression = f"{recorded(BAD, window)}{own} / ({recorded(TOTAL, window)}{own} > 0)"
    return _rule(promise, recorded(ERROR_RATIO, window), expression)


def _rule(promise: Promise, name: str, expression: str) -> dict[str, Any]:
    return {"record": name, "expr": expression, "labels": promise.labels}
