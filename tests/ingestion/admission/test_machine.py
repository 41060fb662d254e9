"""The whole admission against the rules, in any order of batches, mistakes and time.

The model is the rules of `ingestion.limits`, put together as admission promises: circuit, rate, day, month, and all or
nothing. Whatever it decides and has left, the scripts on Valkey must decide and have left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.core import keyspace
from app.domain.shards import shard_of
from ingestion.admission.admission import Ticket
from ingestion.admission.verdict import Refusal
from ingestion.limits import circuit_breaker, quota, token_bucket
from ingestion.limits.circuit_breaker import Breaker, State
from ingestion.limits.quota import Period
from ingestion.limits.token_bucket import RateLimit
from tests.ingestion.admission.conftest import THRESHOLDS, batch
from tests.ingestion.admission.turnable import NOON

if TYPE_CHECKING:
    import redis

    from ingestion.admission.circuits import Circuits
    from ingestion.limits.quota import Used
    from tests.ingestion.admission.conftest import Door, Queue
    from tests.ingestion.admission.turnable import Clock

RATE = RateLimit(per_minute=6_000, burst=300)
DAILY, MONTHLY = 1_500, 4_000
LIMITS = {State.OPEN: "circuit", State.HALF_OPEN: "circuit"}


@dataclass
class Model:
    """One account by the rules alone."""

    bucket: token_bucket.Bucket
    day: Used | None = None
    month: Used | None = None
    breaker: Breaker = field(default_factory=Breaker)
    accepted: int = 0

    def admit(self, events: int, now: datetime, token: int) -> str:
        """Admit a batch; returns `admitted`, or the limit that refuses it."""
        now_ms = round(now.timestamp() * 1_000)
        circuit = circuit_breaker.test(THRESHOLDS, self.breaker, now_ms, token=token)
        if not circuit.allowed:
            return "circuit"
        bucket, rate = token_bucket.hit(RATE, self.bucket, cost=events, now_ms=now_ms)
        if not rate.allowed:
            return "events_per_minute"
        day, in_day = quota.hit(Period.DAY, self.day, cost=events, limit=DAILY, now=now)
        if not in_day.allowed:
            return "daily_quota"
        month, in_month = quota.hit(Period.MONTH, self.month, cost=events, limit=MONTHLY, now=now)
        if not in_month.allowed:
            return "monthly_quota"
        self.bucket, self.day, self.month = bucket, day, month
        if circuit.token not in {0, token}:
            self.breaker, _ = circuit_breaker.hit(THRESHOLDS, self.breaker, now_ms)
        self.record(now, good=True, token=circuit.token)
        self.accepted += events
        return "admitted"

    def record(self, now: datetime, *, good: bool, token: int) -> None:
        now_ms = round(now.timestamp() * 1_000)
        self.breaker = circuit_breaker.record(THRESHOLDS, self.breaker, good=good, now_ms=now_ms, token=token)


class Machine(RuleBasedStateMachine):
    def __init__(self, door: Door, circuits: Circuits, clock: Clock, queue: Queue, client: redis.Redis) -> None:
        super().__init__()
        self.door, self.circuits, self.clock, self.queue = door, circuits, clock, queue
        shard = shard_of("acme")
        self.keys = (keyspace.limits(shard, "acme"), keyspace.circuit(shard, "acme"))
        client.delete(
            *self.keys, keyspace.accepted_minutes(shard), f"{{s{shard:02d}}}:inflight", f"{{s{shard:02d}}}:load"
        )
        client.hset(self.keys[0], "month", "")
        clock.set(NOON)
        self.model = Model(token_bucket.full(RATE, clock.ms))
        self.token = 0

    @rule(events=st.sampled_from([1, 20, 100, 300, 301]), probing=st.booleans())
    def send(self, events: int, *, probing: bool) -> None:
        token = self.token if probing else 0
        expected = self.model.admit(events, self.clock.now, token)
        before = self.consumed()

        try:
            standing = self.door.admit(batch(events=events), ticket=Ticket(token)).standing
        except Refusal as refusal:
            assert refusal.limit == expected  # noqa: PT017 - Another refusal, or none, is the failure.
            assert self.consumed() == before
            standing = refusal.standing  # type: ignore[assignment]  # It is known whose batch it is.
        else:
            assert expected == "admitted"
        level = token_bucket.refill(RATE, self.model.bucket, self.clock.ms).level
        assert standing.left == level // token_bucket.SHARES
        assert standing.day_used == quota.current(Period.DAY, self.model.day, self.clock.now).events
        assert standing.month_used == quota.current(Period.MONTH, self.model.month, self.clock.now).events

    @rule(probing=st.booleans())
    def spoil(self, *, probing: bool) -> None:
        token = self.token if probing else 0
        self.model.record(self.clock.now, good=False, token=token)

        seen = self.circuits.bad("acme", datetime.now(UTC), cause="malformed-json", token=token)

        assert seen is not None
        assert seen.state is self.model.breaker.state

    @rule()
    def ask(self) -> None:
        self.model.breaker, expected = circuit_breaker.hit(THRESHOLDS, self.model.breaker, self.clock.ms)

        seen = self.circuits.enter("acme", datetime.now(UTC))

        assert seen is not None
        assert (seen.wait_ms, seen.token) == (expected.wait_ms, expected.token)
        self.token = seen.token or self.token

    @precondition(lambda self: self.token)
    @rule()
    def give_back(self) -> None:
        self.model.breaker = circuit_breaker.release(self.model.breaker, self.token)
        self.circuits.release("acme", datetime.now(UTC), self.token)

    @rule(forward=st.sampled_from([1, 50, 3_000, 10_000, 30_000, 70_000]))
    def wait(self, forward: int) -> None:
        self.clock.forward(milliseconds=forward)

    @rule(days=st.sampled_from([1, 9, 31]))
    def sleep(self, days: int) -> None:
        self.clock.set(self.clock.now + timedelta(days=days))

    @invariant()
    def nothing_came_in_besides(self) -> None:
        assert self.queue.accepted() == self.model.accepted

    def consumed(self) -> Any:
        """What admission counts; a notice that a quota refuses is none of it."""
        limits = {name: value for name, value in self.queue.hash(self.keys[0]).items() if b"notice" not in name}
        return limits, self.queue.hash(self.keys[1])


def test_scripts_and_rules_never_differ(
    turned_door: Door, turned_circuits: Circuits, clock: Clock, queue: Queue, redis_client: redis.Redis, override: Any
) -> None:
    override(events_per_minute=RATE.per_minute, events_burst=RATE.burst, daily_quota=DAILY, monthly_quota=MONTHLY)

    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # The library has no types here.
        lambda: Machine(turned_door, turned_circuits, clock, queue, redis_client),
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
