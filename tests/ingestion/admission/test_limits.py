"""Rate and quotas as admission holds them: in order, all or nothing, and said in full."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core import keyspace
from app.core.problems import ProblemType
from app.core.tiers import Overrides
from app.domain.shards import shard_of
from ingestion.admission.verdict import Refusal
from ingestion.limits import token_bucket
from ingestion.limits.token_bucket import RateLimit
from tests.ingestion.admission.conftest import batch

if TYPE_CHECKING:
    from app.core.tiers_service import Tiers
    from ingestion.admission.circuits import Circuits
    from tests.ingestion.admission.conftest import Door, Queue
    from tests.ingestion.admission.turnable import Clock

SHARD = shard_of("acme")


def test_a_receipt_says_what_is_left(turned_door: Door) -> None:
    standing = turned_door.admit(batch(events=100)).standing

    assert (standing.left, standing.full_in_ms) == (9_900, 100)
    assert (standing.daily, standing.day_used, standing.monthly, standing.month_used) == (
        10_000_000,
        100,
        200_000_000,
        100,
    )


def test_more_than_is_left_is_refused_until_it_is_there_again(turned_door: Door, queue: Queue, clock: Clock) -> None:
    turned_door.admit(batch(events=9_500))
    before = queue.everything()

    refusal = turned_door.refusal(batch(events=1_000))

    assert (refusal.type, refusal.limit, refusal.tier) == (
        ProblemType.RATE_LIMIT_EXCEEDED,
        "events_per_minute",
        "standard",
    )
    assert refusal.retry_after == 0.5
    assert refusal.resets_at == "2026-11-22T12:00:00.500000Z"
    assert queue.everything() == before
    clock.forward(milliseconds=499)
    turned_door.refusal(batch(events=1_000))
    clock.forward(milliseconds=1)
    turned_door.admit(batch(events=1_000))


def test_a_batch_above_the_burst_is_told_that_it_can_never_pass(turned_door: Door, override: Any) -> None:
    override(events_burst=200)

    refusal = turned_door.refusal(batch(events=201))

    assert refusal.type is ProblemType.RATE_LIMIT_EXCEEDED
    assert "can never pass" in refusal.detail
    assert "200" in refusal.detail


@pytest.mark.parametrize(
    ("quota", "resets_at", "left_s"),
    [
        ("daily_quota", "2026-11-23T00:00:00Z", 12 * 3_600),
        ("monthly_quota", "2026-12-01T00:00:00Z", 8 * 86_400 + 12 * 3_600),
    ],
)
def test_what_does_not_fit_into_a_quota_is_refused_until_the_next_period(
    turned_door: Door, queue: Queue, override: Any, clock: Clock, quota: str, resets_at: str, left_s: int
) -> None:
    override(**{quota: 1_000})
    turned_door.admit(batch(events=950))
    turned_door.refusal(batch(events=51))
    before = queue.everything()

    refusal = turned_door.refusal(batch(events=51))

    assert (refusal.type, refusal.limit) == (ProblemType.QUOTA_EXCEEDED, quota)
    assert (refusal.retry_after, refusal.resets_at) == (left_s, resets_at)
    assert "50 that are left" in refusal.detail
    assert queue.everything() == before
    turned_door.admit(batch(events=50))
    clock.set(datetime.fromisoformat(resets_at))
    assert turned_door.admit(batch(events=1_000)).standing.day_used == 1_000


def test_a_day_that_ends_leaves_the_month_as_it_is(turned_door: Door, clock: Clock) -> None:
    turned_door.admit(batch(events=100))
    clock.forward(days=1)

    standing = turned_door.admit(batch(events=10)).standing

    assert (standing.day_used, standing.month_used) == (10, 110)


def test_the_limits_are_asked_in_order(
    turned_door: Door, turned_circuits: Circuits, override: Any, clock: Clock
) -> None:
    """Each refuses before the next is looked at: circuit, rate, day, month."""
    override(events_burst=300, daily_quota=200, monthly_quota=100)
    now = datetime.now(UTC)
    for _ in range(4):
        turned_circuits.bad("acme", now, cause="malformed-json")

    refusals = [turned_door.refusal(batch(events=301)).limit]
    turned_circuits.reset("acme", now, by="me")
    refusals += [turned_door.refusal(batch(events=events)).limit for events in (301, 201, 101)]

    assert refusals == ["circuit", "events_per_minute", "daily_quota", "monthly_quota"]
    turned_door.admit(batch(events=100))


def test_a_replay_is_answered_whatever_is_used_up(turned_door: Door, queue: Queue, override: Any) -> None:
    first = turned_door.admit(batch(events=900), idempotency_key="order-66")
    override(events_burst=1, daily_quota=1)
    before = queue.everything()

    again = turned_door.admit(batch(events=900), idempotency_key="order-66")

    assert (again.batch_id, again.replayed) == (first.batch_id, True)
    assert queue.everything() == before


def test_what_is_used_outlives_a_change_of_tier(turned_door: Door, override: Any) -> None:
    turned_door.admit(batch(events=600))

    override(daily_quota=1_000)

    assert turned_door.refusal(batch(events=401)).limit == "daily_quota"


def test_a_change_of_a_tier_holds_at_the_next_request(turned_door: Door, tiers: Tiers) -> None:
    turned_door.admit(batch(events=50))

    tiers.change("standard", Overrides(events_burst=10), datetime.now(UTC))

    assert turned_door.refusal(batch(events=11)).limit == "events_per_minute"
    assert turned_door.admit(batch(events=10)).standing.left == 0


def test_bad_batches_use_up_nothing(turned_door: Door, turned_circuits: Circuits, queue: Queue) -> None:
    turned_door.admit(batch(events=100))
    before = queue.hash(keyspace.limits(SHARD, "acme"))

    turned_circuits.bad("acme", datetime.now(UTC), cause="malformed-json")

    assert queue.hash(keyspace.limits(SHARD, "acme")) == before


def together(send: Any, threads: int = 8) -> None:
    barrier = threading.Barrier(threads)

    def run() -> None:
        barrier.wait()
        send()

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def accepted(door: Door, events: int, limit: str) -> int:
    """How many events of a batch come in; none when this limit refuses it."""
    try:
        return door.admit(batch(events=events)).accepted
    except Refusal as refusal:
        assert refusal.limit == limit  # noqa: PT017 - Any other refusal is a failure.
        return 0


def test_many_at_once_never_exceed_a_quota(door: Door, queue: Queue, override: Any) -> None:
    override(daily_quota=500)
    admitted: list[int] = []

    together(lambda: admitted.extend(accepted(door, 1 + number % 3, "daily_quota") for number in range(60)))

    assert sum(admitted) == queue.accepted() == 500


def test_many_at_once_never_exceed_the_rate(door: Door, queue: Queue, override: Any) -> None:
    override(events_per_minute=6_000, events_burst=100)
    admitted: list[int] = []
    began = time.time()

    together(lambda: admitted.extend(accepted(door, 5, "events_per_minute") for _ in range(60)))

    lasted_s = time.time() - began
    assert 100 <= sum(admitted) == queue.accepted() <= 100 + 100 * (lasted_s + 0.1)


def test_a_crowd_is_given_exactly_what_the_rules_would_give(turned_door: Door, clock: Clock, override: Any) -> None:
    override(events_per_minute=6_000, events_burst=100)
    limit = RateLimit(6_000, 100)
    bucket = token_bucket.full(limit, clock.ms)
    for forward in (0, 10, 150, 3, 900, 60_000):
        clock.forward(milliseconds=forward)
        admitted: list[int] = []

        together(lambda: admitted.extend(accepted(turned_door, 3, "events_per_minute") for _ in range(10)))  # noqa: B023 - It runs at once.

        expected = 0
        for _ in range(80):
            bucket, verdict = token_bucket.hit(limit, bucket, cost=3, now_ms=clock.ms)
            expected += 3 * verdict.allowed
        assert sum(admitted) == expected
