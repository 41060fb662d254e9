"""Measures how answers and freshness change with the load: offered by the clock, and not by the answers."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from app.cli.bench.ingestion import measure_ingestion
from app.cli.bench.results import Offered, OfferedStep
from app.cli.chaos.crowd.crowd import Crowd
from app.cli.chaos.crowd.drain import wait_empty
from app.cli.chaos.crowd.pace import pace_of
from app.cli.chaos.crowd.service_store import read_service
from app.cli.chaos.crowd.traffic import Plan, Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.cli.bench.load import Target
    from app.platform import Platform

BATCH = 100
SHARES = (0.25, 0.5, 0.75, 0.9, 1.0, 1.25)
CONNECTIONS = 16
"""Of each account: as many as keep a slow answer from holding back what is due."""
PEAK_EVENTS_PER_S = 10_000
"""For each second of a step, so many events measure the peak."""


def measure_offered(platform: Platform, target: Target, *, seconds: int, watch: Callable[[str], None]) -> Offered:
    """Measure the peak, and then offer shares of it, for so many seconds each."""
    watch("the peak")
    peak = measure_ingestion(
        platform, target, size=BATCH, events=max(1, seconds) * PEAK_EVENTS_PER_S, connections=CONNECTIONS
    )
    steps = []
    for share in SHARES:
        watch(f"{share:.0%} of the peak offered")
        steps.append(_offer(platform, target, share=share, per_s=share * peak.stored_per_s, seconds=max(2, seconds)))
    return Offered(BATCH, peak.stored_per_s, tuple(steps))


def _offer(platform: Platform, target: Target, *, share: float, per_s: float, seconds: int) -> OfferedStep:
    every_s = BATCH * len(target.keys) / per_s
    senders = tuple(
        Sender(
            account_id=account_id,
            key=key,
            every_s=every_s,
            # Not all of them at the same moment.
            first_s=every_s * number / len(target.keys),
            events=BATCH,
            connections=CONNECTIONS,
        )
        for number, (account_id, key) in enumerate(target.keys)
    )
    plan = Plan(
        base_url=platform.base_url,
        senders=senders,
        seconds=seconds,
        cores=frozenset(os.sched_getaffinity(0)),
        seed=f"{time.time_ns()}",
    )
    with Crowd(plan) as crowd:
        crowd.go()
        asks = crowd.asks()
    wait_empty(platform.instance.redis_url)
    service = read_service(platform.instance.database_url)
    stored = [service.batches[ask.batch_id] for ask in asks if ask.batch_id in service.batches]
    pace = pace_of(asks, service, {account_id for account_id, _ in target.keys})
    taken_s = max(batch.stored_s for batch in stored) - min(batch.received_s for batch in stored)
    return OfferedStep(
        share=share,
        offered_per_s=BATCH * len(asks) / seconds,
        stored_per_s=sum(batch.stored for batch in stored) / max(taken_s, 1e-3),
        refused=sum(not ask.accepted for ask in asks) / len(asks),
        answer_p50_ms=pace.answer_p50_ms,
        answer_p99_ms=pace.answer_p99_ms,
        fresh_p50_ms=pace.fresh_p50_ms,
        fresh_p99_ms=pace.fresh_p99_ms,
    )
