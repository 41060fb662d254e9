"""Measures what a table of many million events costs those that are stored next, and those who ask for a summary."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from app.cli.bench.history_store import analyze, count_events, make_history
from app.cli.bench.ingestion import measure_ingestion
from app.cli.bench.results import Grown, Latency
from app.cli.bench.summaries import ask_cold
from app.core.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.cli.bench.load import Target
    from app.platform import Platform

BATCH, CONNECTIONS, RUNS = 1_000, 16, 3
_PATIENCE_MS = 3_600_000


def measure_growth(
    platform: Platform, target: Target, *, sizes: Sequence[int], events: int, watch: Callable[[str], None]
) -> tuple[Grown, ...]:
    """Bring the table to each size, and measure there: three runs of so many `events`, each with its COPY, and summaries."""
    return tuple(_measure(platform, target, size=size, events=events, watch=watch) for size in sizes)


def _measure(platform: Platform, target: Target, *, size: int, events: int, watch: Callable[[str], None]) -> Grown:
    stored = _grow(platform, target, size=size, watch=watch)
    watch(f"batches of {BATCH:,} with {stored:,} events stored")
    runs = [
        measure_ingestion(platform, target, size=BATCH, events=events, connections=CONNECTIONS) for _ in range(RUNS)
    ]
    summaries = ask_cold(platform, target)
    return Grown(
        events=stored,
        stored_per_s=median(run.stored_per_s for run in runs),
        copy_per_s=median(run.ceiling.rows_per_s for run in runs),
        speed_ratio=median(run.speed_ratio for run in runs),
        stack_us=median(run.stack_us for run in runs),
        cpu_ratio=median(run.cpu_ratio for run in runs),
        summary=Latency.of([latency for result in summaries for latency in result.latencies_us]),
    )


def _grow(platform: Platform, target: Target, *, size: int, watch: Callable[[str], None]) -> int:
    accounts = [account_id for account_id, _ in target.keys]
    url = platform.instance.database_url
    database = Database(url, pool_size=1, statement_timeout_ms=_PATIENCE_MS, name="slipstream bench")
    try:
        missing = max(0, size - count_events(database))
        stored = make_history(
            database, accounts, missing, watch=lambda made: watch(f"{size:,} events: {made:,} of {missing:,} made")
        )
        analyze(database)
        return stored
    finally:
        database.close()
