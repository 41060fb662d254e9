"""Measures how long it takes to say how SLOs stand: many of them again and again, and one over very many requests."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from app.cli.bench import requests_store
from app.cli.bench.requests_store import Shape
from app.cli.bench.results import LargeSLI, ManySLOs, SLOResults
from app.core.database import Database
from app.core.telemetry.rollups import Rollups
from app.core.valkey import Valkey
from app.slo_composition import compose_slos
from reporting.definitions.yaml_text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.platform import Platform
    from app.slo_composition import SLOParts

T = TypeVar("T")

SLOS_A_SERVICE = 20
ROWS_A_SERVICE = 10
ROUTES = 5
DAY, MONTH = timedelta(days=1), timedelta(days=30)
EVALUATIONS = 5
LARGE_ROWS = 23
"""A minute; in 30 days they are a million."""
LARGE_REQUESTS = 1_000
"""A row; a million of them are a billion."""
_PATIENCE_MS = 3_600_000


def measure_slos(
    platform: Platform, *, services: Sequence[int], large_days: int, watch: Callable[[str], None]
) -> SLOResults:
    """Measure with so many services of 20 SLOs each, one number after the other, and with one service of very many requests."""
    database = Database(
        platform.instance.database_url, pool_size=2, statement_timeout_ms=_PATIENCE_MS, name="slipstream bench"
    )
    valkey = Valkey(platform.instance.redis_url, timeout_s=10.0)
    try:
        many = []
        for number in services:
            watch(f"{number * SLOS_A_SERVICE:,} SLOs")
            many.append(_measure_many(database, valkey, number))
        watch("a large SLI")
        large = [_measure_large(database, valkey, days) for days in (max(1, large_days // 10), large_days)]
    finally:
        database.close()
        valkey.forget()
    return SLOResults(tuple(many), tuple(large))


def _measure_many(database: Database, valkey: Valkey, services: int) -> ManySLOs:
    """Evaluate from nothing, and then minute after minute, each with new requests and new edges of every window."""
    requests_store.clear(database)
    shape = Shape(services, ROWS_A_SERVICE, requests=120, buckets=20)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    # Between the edges of its windows an evaluation reads what minutes add up to: only at the edges must they be there.
    for edge in (now - MONTH, now - 3 * DAY, now - DAY, now):
        day = edge.replace(hour=0, minute=0)
        requests_store.make_minutes(database, shape, day, min(day + DAY, now))
    quarter = now.replace(minute=now.minute // 15 * 15) - timedelta(minutes=15)
    midnight = now.replace(hour=0, minute=0)
    requests_store.make_rollups(
        database, shape, since=midnight - MONTH - DAY, quarters_until=quarter, days_until=midnight
    )
    requests_store.analyze(database)
    parts = compose_slos(database, valkey)
    _apply(
        parts,
        [_definition(service, number) for service in range(1, services + 1) for number in range(SLOS_A_SERVICE)],
        now,
    )
    cold_s, found = _timed(lambda: len(parts.read(now)))
    steady: list[float] = []
    begun_cpu = time.process_time()
    for minute in range(1, EVALUATIONS + 1):
        then = now + timedelta(minutes=minute)
        requests_store.make_minutes(database, shape, then - timedelta(minutes=1), then)
        steady.append(_timed(lambda: len(parts.read(then)))[0])  # noqa: B023 - It runs at once.
    return ManySLOs(
        slos=found,
        services=services,
        cold_s=cold_s,
        steady_s=median(steady),
        slowest_s=max(steady),
        steady_cpu_s=(time.process_time() - begun_cpu) / EVALUATIONS,
    )


def _measure_large(database: Database, valkey: Valkey, days: int) -> LargeSLI:
    requests_store.clear(database)
    shape = Shape(1, LARGE_ROWS, requests=LARGE_REQUESTS, buckets=50)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    requests_store.make_minutes(database, shape, now - timedelta(days=days), now)
    requests_store.analyze(database)
    add_up_s, _ = _timed(lambda: Rollups(database).add_up(now))
    requests_store.analyze(database)
    parts = compose_slos(database, valkey)
    _apply(parts, [_definition(1, SLOS_A_SERVICE)], now)
    name = f"service-1-{SLOS_A_SERVICE}"
    seconds = median(_timed(lambda: parts.slos.one(name, now))[0] for _ in range(EVALUATIONS))
    found = parts.slos.one(name, now)
    rows = days * 1_440 * LARGE_ROWS
    return LargeSLI(
        rows=rows, requests=int(found.total) if found else 0, seconds=seconds, add_up_rows_per_s=rows / add_up_s
    )


def _apply(parts: SLOParts, definitions: Sequence[dict[str, object]], now: datetime) -> None:
    for name in [each.name for each in parts.catalogue.in_force()]:
        parts.catalogue.remove(name, by="bench", now=now - timedelta(seconds=1))
    parts.catalogue.apply(write(list(definitions)), by="bench", now=now)


def _definition(service: int, number: int) -> dict[str, object]:
    """Return the SLO of a number: the whole service by 20, otherwise a route's availability or latency."""
    total: dict[str, object] = {"service": f"service-{service}"}
    if number < SLOS_A_SERVICE:
        total["route"] = f"/route-{number % ROUTES}"
    conditions = ({"status": "<500"}, {"duration_ms": "<1.1"}, {"duration_ms": "<1.2"}, {"duration_ms": "<1.3"})
    good: dict[str, object] = {**total, **conditions[number % len(conditions)]}
    source = {"counter": True, "good": _metric(good), "total": _metric(total)}
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": f"service-{service}-{number}"},
        "spec": {
            "service": f"service-{service}",
            "indicator": {"metadata": {"name": "sli"}, "spec": {"ratioMetric": source}},
            "timeWindow": [{"duration": "30d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"displayName": "kept", "target": 0.99}],
            "alertPolicies": [
                _policy("page", "2% 1h/5m, 5% 6h/30m", 14.4, "1h"),
                _policy("ticket", "10% 1d/2h, 10% 3d/6h", 3, "1d"),
            ],
        },
    }


def _metric(conditions: dict[str, object]) -> dict[str, object]:
    return {"metricSource": {"type": "slipstream", "spec": {"source": "requests", "filter": conditions}}}


def _policy(severity: str, pairs: str, threshold: float, lookback: str) -> dict[str, object]:
    condition = {"kind": "burnrate", "op": "gt", "threshold": threshold, "lookbackWindow": lookback, "alertAfter": "0m"}
    return {
        "kind": "AlertPolicy",
        "metadata": {"name": severity, "annotations": {"slipstream/window-pairs": pairs}},
        "spec": {
            "alertWhenBreaching": True,
            "conditions": [
                {
                    "kind": "AlertCondition",
                    "metadata": {"name": severity},
                    "spec": {"severity": severity, "condition": condition},
                }
            ],
            "notificationTargets": [
                {"kind": "AlertNotificationTarget", "metadata": {"name": "somebody"}, "spec": {"target": severity}}
            ],
        },
    }


def _timed(action: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    result = action()
    return time.perf_counter() - begun, result
