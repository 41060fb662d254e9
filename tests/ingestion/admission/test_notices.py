"""When admission notes that a quota runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.core import keyspace
from app.domain.shards import shard_of
from tests.ingestion.admission.conftest import batch

if TYPE_CHECKING:
    import redis

    from tests.ingestion.admission.conftest import Door
    from tests.ingestion.admission.turnable import Clock

SHARD = shard_of("acme")


def noted(client: redis.Redis) -> list[tuple[str, int, int]]:
    """Period, threshold and events used, in order."""
    entries: Any = client.xrange(keyspace.journal(SHARD))
    return [
        (fields[b"period"].decode(), int(fields[b"threshold"]), int(fields[b"used"]))
        for _, fields in entries
        if fields[b"kind"] == b"quota"
    ]


def test_at_80_and_at_100_per_cent_once_each(turned_door: Door, override: Any, redis_client: redis.Redis) -> None:
    override(daily_quota=100)

    for events in (79, 1, 10, 9, 1):
        turned_door.admit(batch(events=events))
    turned_door.refusal()

    assert noted(redis_client) == [("2026-11-22", 80, 80), ("2026-11-22", 100, 100)]


def test_one_batch_may_pass_both_at_once(turned_door: Door, override: Any, redis_client: redis.Redis) -> None:
    override(daily_quota=100)

    turned_door.admit(batch(events=100))

    assert noted(redis_client) == [("2026-11-22", 100, 100)]


def test_a_quota_that_refuses_has_reached_its_end(turned_door: Door, override: Any, redis_client: redis.Redis) -> None:
    """What is left may be too little for any batch that the account sends."""
    override(daily_quota=100)
    turned_door.admit(batch(events=90))
    turned_door.refusal(batch(events=11))
    turned_door.refusal(batch(events=11))

    assert noted(redis_client) == [("2026-11-22", 80, 90), ("2026-11-22", 100, 90)]


def test_day_and_month_are_told_apart(turned_door: Door, override: Any, redis_client: redis.Redis) -> None:
    override(daily_quota=100, monthly_quota=110)
    turned_door.admit(batch(events=85))
    turned_door.admit(batch(events=5))

    assert noted(redis_client) == [("2026-11-22", 80, 85), ("2026-11", 80, 90)]


def test_each_period_has_its_own(turned_door: Door, override: Any, redis_client: redis.Redis, clock: Clock) -> None:
    override(daily_quota=100)
    turned_door.admit(batch(events=85))
    clock.forward(days=1)
    turned_door.admit(batch(events=85))

    assert noted(redis_client) == [("2026-11-22", 80, 85), ("2026-11-23", 80, 85)]


def test_a_quota_that_is_lowered_below_what_is_used_is_noted_at_the_next_batch(
    turned_door: Door, override: Any, redis_client: redis.Redis
) -> None:
    turned_door.admit(batch(events=85))
    override(daily_quota=100)
    turned_door.admit(batch(events=1))

    assert noted(redis_client) == [("2026-11-22", 80, 86)]


def test_a_journal_that_nobody_empties_does_not_grow_for_ever(
    turned_door: Door, override: Any, redis_client: redis.Redis
) -> None:
    with redis_client.pipeline() as pipeline:
        for _ in range(10_500):
            pipeline.xadd(keyspace.journal(SHARD), {"kind": "circuit"})
        pipeline.execute()
    override(daily_quota=10)

    turned_door.admit(batch(events=10))

    assert 10_000 <= redis_client.xlen(keyspace.journal(SHARD)) < 10_200  # type: ignore[operator]  # A number.
