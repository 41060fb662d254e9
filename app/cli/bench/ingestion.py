"""Measures ingestion from the request to the row, and beside it the ceiling."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import psycopg

from app.cli.bench.copy_store import binary_rows, checkpoint, copy, stored_events
from app.cli.bench.load import BatchLoad, Generator
from app.cli.bench.results import Ceiling, Ingestion, Latency
from app.cli.chaos.evidence_store import events_in_queue
from app.cli.sample_events import sample_events
from app.core.valkey import Valkey
from app.platform import Role
from app.proc import tree_cpu_us

if TYPE_CHECKING:
    from app.cli.bench.load import Target
    from app.platform import Platform

FEWEST_COPIED = 100_000
"""Rows of a COPY: below that a tick of the processor's clock (10 ms) is no longer small beside it."""
POLL_S = 0.02
DRAIN_TIMEOUT_S = 600.0
ACCEPTED = 202


class BenchError(Exception):
    """What ran is not what was to be measured."""


def measure_ingestion(platform: Platform, target: Target, *, size: int, events: int, connections: int) -> Ingestion:
    """Send `events` in batches of `size` and wait until all that were accepted are stored; raises `BenchError` when any is missing."""
    batches = max(connections, events // size)
    seed = time.time_ns()
    superuser_url = platform.instance.postgres.url("slipstream", superuser=True)
    with Generator(BatchLoad(target, size, batches, connections, seed)) as generator:
        checkpoint(superuser_url)
        with psycopg.connect(platform.instance.database_url) as connection:
            already = stored_events(connection)
        before = _cpu_us(platform)
        started = time.perf_counter()
        load = generator.go()
        seconds = _wait_stored(platform) - started
        used = {role: us - before[role] for role, us in _cpu_us(platform).items()}
    with psycopg.connect(platform.instance.database_url) as connection:
        stored = stored_events(connection) - already
    accepted = load.statuses[ACCEPTED] * size
    if not accepted <= stored <= batches * size:  # A batch that was answered with 504 may be stored as well.
        raise BenchError(f"{accepted} events were accepted, {stored} were stored. {load.refusal}")
    return Ingestion(
        batch_size=size,
        connections=connections,
        events=stored,
        refused=batches - load.statuses[ACCEPTED],
        accepted_per_s=stored / load.seconds,
        stored_per_s=stored / seconds,
        latency=Latency.of(load.latencies_us),
        cpu_us={role.value: us / stored for role, us in used.items()},
        generator_us=load.cpu_us / stored,
        ceiling=_measure_ceiling(platform, target, rows=max(FEWEST_COPIED, stored), seed=seed + 1),
    )


def _measure_ceiling(platform: Platform, target: Target, *, rows: int, seed: int) -> Ceiling:
    now = datetime.now(UTC)
    accounts = [account_id for account_id, _ in target.keys]
    random = Random(seed)  # noqa: S311 - no secret.
    chunks = binary_rows(sample_events(random, rows, at=now), accounts, received_at=now)
    postmaster = platform.processes(Role.POSTGRESQL)[0].pid or 0
    checkpoint(platform.instance.postgres.url("slipstream", superuser=True))
    with psycopg.connect(platform.instance.database_url) as connection:
        before, client, started = tree_cpu_us(postmaster), time.thread_time(), time.perf_counter()
        copied = copy(connection, chunks)
        seconds, client_s = time.perf_counter() - started, time.thread_time() - client
        used = tree_cpu_us(postmaster) - before
    return Ceiling(copied, copied / seconds, used / copied, client_s * 1e6 / copied)


def _wait_stored(platform: Platform) -> float:
    """When the queue had become empty; seconds of `time.perf_counter`."""
    valkey = Valkey(platform.instance.redis_url, timeout_s=10.0)
    deadline = time.perf_counter() + DRAIN_TIMEOUT_S
    try:
        while events_in_queue(valkey):
            if time.perf_counter() > deadline:
                raise BenchError("The queue does not drain.")
            time.sleep(POLL_S)
        return time.perf_counter()
    finally:
        valkey.forget()


def _cpu_us(platform: Platform) -> dict[Role, int]:
    return {role: sum(tree_cpu_us(process.pid or 0) for process in platform.processes(role)) for role in Role}
