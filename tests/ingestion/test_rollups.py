"""Rollups against a count in plain Python that shares nothing with them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from ingestion.writer import Writer

EDGES = [
    datetime(2024, 2, 29, tzinfo=UTC),  # a leap day begins
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2023, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),  # before 1970, floors go the other way
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 3, 31, 1, tzinfo=UTC),  # clocks in Europe change; those in UTC do not
]
instants = st.sampled_from(EDGES) | st.datetimes(
    datetime(1960, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001 (the zone is the strategy's)
)  # fmt: skip
sent = st.lists(st.tuples(st.sampled_from(["acme", "bolt"]), st.sampled_from(["a", "b"]), instants), max_size=40)


def starts(instant: datetime) -> dict[int, datetime]:
    """Return the start of the minute, the hour and the day around an instant."""
    return {
        1: instant.replace(second=0, microsecond=0),
        60: instant.replace(minute=0, second=0, microsecond=0),
        1_440: instant.replace(hour=0, minute=0, second=0, microsecond=0),
    }


def recount(events: list[tuple[str, str, datetime]]) -> set[tuple[Any, ...]]:
    buckets = defaultdict(list)
    for account_id, event_type, instant in events:
        for width, start in starts(instant).items():
            buckets[account_id, width, start, event_type].append(instant)
    return {(*key, len(found), min(found), max(found)) for key, found in buckets.items()}


def stored_rollups(tables: Any) -> set[tuple[Any, ...]]:
    return set(tables.rows("SELECT account_id, width, bucket, type, events, first_at, last_at FROM event_rollups"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bundles=st.lists(sent, max_size=3))
@example(bundles=[[("acme", "a", instant) for instant in EDGES]])
def test_rollups_equal_a_recount_of_the_events(
    bundles: list[list[tuple[str, str, datetime]]], writer: Writer, make_batch: Any, tables: Any
) -> None:
    tables.connection.execute("TRUNCATE events, event_rollups, batch_outcomes")
    number = 0
    for bundle in bundles:
        batches = []
        for account_id, event_type, instant in bundle:
            number += 1
            fields = {"event_id": f"e{number}", "type": event_type, "timestamp": instant.isoformat()}
            batches.append(make_batch(fields, account_id=account_id))
        writer.store(batches)

    assert stored_rollups(tables) == recount([event for bundle in bundles for event in bundle])


def test_an_event_on_the_full_minute_belongs_to_the_minute_it_begins(
    writer: Writer, make_batch: Any, tables: Any
) -> None:
    at = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    before = at - timedelta(microseconds=1)
    writer.store(
        [
            make_batch({"event_id": str(i), "type": "a", "timestamp": when.isoformat()})
            for i, when in enumerate([before, at])
        ]
    )

    buckets = tables.rows("SELECT bucket, events FROM event_rollups WHERE width = 1 ORDER BY bucket")

    assert buckets == [(at - timedelta(minutes=1), 1), (at, 1)]


def test_a_late_event_moves_the_first_time_and_an_early_one_the_last(
    writer: Writer, make_batch: Any, tables: Any
) -> None:
    at = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)
    for number, seconds in enumerate([0, -10, 10, 5]):
        when = at + timedelta(seconds=seconds)
        writer.store([make_batch({"event_id": str(number), "type": "a", "timestamp": when.isoformat()})])

    expected = [(at - timedelta(seconds=10), at + timedelta(seconds=10), 4)]
    assert tables.rows("SELECT DISTINCT first_at, last_at, events FROM event_rollups") == expected


@pytest.mark.parametrize("again", ["the same batch", "the same events"])
def test_what_is_stored_already_is_not_counted_again(again: str, writer: Writer, make_batch: Any, tables: Any) -> None:
    events = [{"event_id": str(i), "type": "a"} for i in range(5)]
    batch = make_batch(*events)
    writer.store([batch])
    before = stored_rollups(tables)

    writer.store([batch if again == "the same batch" else make_batch(*events)])

    assert stored_rollups(tables) == before
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 1440") == 5
