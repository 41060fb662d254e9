"""Counts out of the rollups: exact to the event, at a cost that does not know how many there are."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from ingestion.summary import summary_store
from ingestion.summary.summary_store import SummaryStore
from ingestion.summary.windows import Window, bounds, bucket_ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from app.core.database import Database
    from ingestion.summary.summary_store import TypeCount
    from tests.conftest import World

    StoreEvents = Callable[[str, Iterable[tuple[str, datetime]]], None]

TYPES = ("flight.departed", "flight.cancelled", "Flüge", "a" * 128)
EDGE = timedelta(microseconds=1)


def summary_of(database: Database, account_id: str, window: Window, as_of: datetime) -> list[TypeCount] | None:
    return SummaryStore(database).counts(account_id, bucket_ranges(*bounds(window, as_of)))


@pytest.mark.parametrize("window", Window)
def test_a_summary_is_what_a_recount_of_every_event_gives(
    database: Database, world: World, store_events: StoreEvents, window: Window, now: datetime
) -> None:
    chance = random.Random(window)
    start, end = bounds(window, now)
    span = window.length.total_seconds()
    times = [start + timedelta(seconds=chance.uniform(-0.2 * span, 1.1 * span)) for _ in range(1_500)]
    times += [start - EDGE, start, start + EDGE, end - EDGE, end, end + EDGE]
    events = [(chance.choice(TYPES), at) for at in times]
    for part in range(3):
        store_events(world.alice.account_id, events[part::3])
    store_events(world.bob.account_id, [("another's", at) for at in times])

    counts = summary_of(database, world.alice.account_id, window, now)

    inside = [(kind, at) for kind, at in events if start <= at < end]
    assert counts is not None
    assert {count.type: count.events for count in counts} == Counter(kind for kind, _ in inside)
    assert min(count.first_at for count in counts) == min(at for _, at in inside)
    assert max(count.last_at for count in counts) == max(at for _, at in inside)
    assert [count.events for count in counts] == sorted((count.events for count in counts), reverse=True)


def test_an_account_without_events_has_an_empty_summary(database: Database, world: World, now: datetime) -> None:
    assert summary_of(database, world.alice.account_id, Window.DAY, now) == []


def test_an_account_that_is_not_there_has_none(database: Database, world: World, now: datetime) -> None:
    assert summary_of(database, "nobody", Window.DAY, now) is None


def explain(database: Database, account_id: str, window: Window, as_of: datetime) -> list[dict[str, Any]]:
    """Return the nodes of the plan as it ran, with what each one read."""
    ranges = bucket_ranges(*bounds(window, as_of))
    parameters = {
        "account_id": account_id,
        "widths": [part.width for part in ranges],
        "starts": [part.start for part in ranges],
        "ends": [part.end for part in ranges],
    }
    statement = text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {summary_store._COUNTS.text}")
    with database.begin() as connection:
        plan = connection.scalar(statement, parameters)
    roots = plan if isinstance(plan, list) else json.loads(plan)
    nodes, queue = [], [roots[0]["Plan"]]
    while queue:
        node = queue.pop()
        nodes.append(node)
        queue += node.get("Plans", [])
    return nodes


@pytest.mark.embedded
@pytest.mark.parametrize("window", Window)
def test_a_summary_reads_the_rollups_of_its_account_and_window_by_index_alone(
    database: Database, world: World, window: Window, now: datetime
) -> None:
    fill = text("""
        INSERT INTO event_rollups (account_id, width, bucket, type, events, first_at, last_at)
        SELECT account, width, at, 'flight', 100000, at, at
          FROM unnest(CAST(:accounts AS text[])) AS account, unnest(ARRAY[1, 60, 1440]) AS width,
               generate_series(date_trunc('day', CAST(:now AS timestamptz), 'UTC') - interval '40 days', :now,
                               make_interval(mins => width)) AS at
    """)
    accounts = [world.alice.account_id, world.bob.account_id]
    with database.begin() as connection:
        connection.execute(fill, {"accounts": accounts, "now": now})
        connection.execute(text("ANALYZE event_rollups"))

    nodes = explain(database, world.alice.account_id, window, now)

    scans = [node for node in nodes if node.get("Relation Name") == "event_rollups"]
    assert {node["Node Type"] for node in scans} == {"Index Scan"}
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in scans)
    assert read <= 118 + 46 + 30
    assert not [node for node in nodes if node.get("Relation Name", "").startswith("events")]
    assert nodes[0]["Shared Hit Blocks"] + nodes[0]["Shared Read Blocks"] < 120
