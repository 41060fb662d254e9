"""Measures summaries: hot from the cache at many connections, cold from PostgreSQL with much stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.bench.copy_store import checkpoint
from app.cli.bench.history_store import analyze, make_history
from app.cli.bench.load import Generator, GetLoad
from app.cli.bench.results import Latency, Summaries
from app.core import keyspace
from app.core.database import Database
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.cli.bench.load import LoadResult, Target
    from app.platform import Platform

WINDOWS = ("1h", "24h", "7d", "30d")
COLD_ROUNDS = 10
STEADY = 0.5
"""Of the most that the machine answers."""
OK = 200


def measure_summaries(
    platform: Platform,
    target: Target,
    *,
    stored: int,
    requests: int,
    connections: int,
    watch: Callable[[int], None] = lambda _: None,
) -> Summaries:
    """Bring the table to about `stored` events, then ask."""
    accounts = [account_id for account_id, _ in target.keys]
    database = Database(
        platform.instance.database_url, pool_size=1, statement_timeout_ms=3_600_000, name="slipstream bench"
    )
    try:
        events = make_history(database, accounts, stored, watch=watch)
        analyze(database)
    finally:
        database.close()
    cold, paths = ask_cold(platform, target), _paths(target)
    _ask(GetLoad(target, paths, len(paths), 1))  # Warm the cache.
    hot = _ask(GetLoad(target, paths, requests, connections))
    # The answers of a machine that does all it can tell how many ask, and not how long one of them takes.
    steady_per_s = STEADY * requests / hot.seconds
    steady = _ask(GetLoad(target, paths, round(requests * STEADY), connections, steady_per_s))
    return Summaries(
        stored_events=events,
        connections=connections,
        refused=sum(result.statuses.total() - result.statuses[OK] for result in (*cold, hot, steady)),
        hot_per_s=requests / hot.seconds,
        hot=Latency.of(hot.latencies_us),
        steady_per_s=steady_per_s,
        steady=Latency.of(steady.latencies_us),
        cold=Latency.of([latency for result in cold for latency in result.latencies_us]),
    )


def ask_cold(platform: Platform, target: Target) -> list[LoadResult]:
    """Ask for every window of every account with nothing in the cache, one at a time, several times."""
    paths = _paths(target)
    checkpoint(platform.instance.postgres.url("slipstream", superuser=True))
    valkey = Valkey(platform.instance.redis_url, timeout_s=10.0)
    cached = [keyspace.summary(account_id, window) for account_id, _ in target.keys for window in WINDOWS]
    results = []
    for _ in range(COLD_ROUNDS):
        valkey.execute("DEL", *cached)
        results.append(_ask(GetLoad(target, paths, len(paths), 1)))
    valkey.forget()
    return results


def _paths(target: Target) -> tuple[tuple[str, str], ...]:
    return tuple(
        (account_id, f"/accounts/{account_id}/summary?window={window}")
        for account_id, _ in target.keys
        for window in WINDOWS
    )


def _ask(load: GetLoad) -> LoadResult:
    with Generator(load) as generator:
        return generator.go()
