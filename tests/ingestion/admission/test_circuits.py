"""Circuits of accounts outside of admission: what opens them, who asks, and what operators do and hear."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core import keyspace
from app.core.problems import ProblemType
from app.core.shard_directory import ShardDirectory
from app.core.valkey import Valkey
from app.domain.shards import shard_of
from ingestion.admission.admission import Ticket
from ingestion.admission.circuits import Circuits
from ingestion.admission.scripts import Scripts
from ingestion.limits.circuit_breaker import State
from tests.ingestion.admission.conftest import THRESHOLDS, batch, memory_limited

if TYPE_CHECKING:
    import redis

    from ingestion.admission.circuits import Seen
    from tests.ingestion.admission.conftest import Door, Queue
    from tests.ingestion.admission.turnable import Clock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHARD = shard_of("acme")


def opened(circuits: Circuits) -> Seen:
    seen = None
    for _ in range(THRESHOLDS.minimum):
        seen = circuits.bad("acme", NOW, cause="malformed-json")
    assert seen is not None
    assert seen.state is State.OPEN
    return seen


def journalled(client: redis.Redis, *names: bytes) -> list[tuple[bytes, ...]]:
    """What a journal says, in order, of some fields."""
    entries: Any = client.xrange(keyspace.journal(SHARD))
    return [tuple(fields[name] for name in names) for _, fields in entries]


def test_a_share_of_bad_batches_opens_it(turned_door: Door, turned_circuits: Circuits) -> None:
    for _ in range(3):
        turned_door.admit()
    for _ in range(2):
        turned_circuits.bad("acme", NOW, cause="malformed-json")
    turned_door.admit()

    turned_circuits.bad("acme", NOW, cause="malformed-json")
    last = turned_circuits.bad("acme", NOW, cause="malformed-json")

    assert last is not None
    assert (last.state, last.wait_ms) == (State.OPEN, THRESHOLDS.open_ms)


def test_while_it_is_open_nothing_is_admitted_and_nothing_changes(
    turned_door: Door, turned_circuits: Circuits, clock: Clock, queue: Queue
) -> None:
    opened(turned_circuits)
    clock.forward(seconds=10)
    before = queue.everything()

    refusal = turned_door.refusal()

    assert (refusal.type, refusal.limit, refusal.retry_after) == (ProblemType.CIRCUIT_OPEN, "circuit", 20)
    assert refusal.resets_at == "2026-11-22T12:00:30Z"
    assert queue.everything() == before


def test_after_its_time_good_batches_close_it(
    turned_door: Door, turned_circuits: Circuits, clock: Clock, redis_client: redis.Redis
) -> None:
    opened(turned_circuits)
    clock.forward(seconds=30)

    turned_door.admit()
    turned_door.admit()

    assert journalled(redis_client, b"before", b"after", b"cause") == [
        (b"closed", b"open", b"malformed-json"),
        (b"open", b"half-open", b"admitted"),
        (b"half-open", b"closed", b"admitted"),
    ]
    assert not redis_client.exists(keyspace.circuit(SHARD, "acme"))


def test_one_who_asks_first_has_the_only_probe(turned_door: Door, turned_circuits: Circuits, clock: Clock) -> None:
    opened(turned_circuits)
    clock.forward(seconds=30)

    probe, other = turned_circuits.enter("acme", NOW), turned_circuits.enter("acme", NOW)

    assert probe is not None
    assert other is not None
    assert (probe.token, probe.wait_ms) == (clock.ms + 10_000, 0)
    assert (other.token, other.wait_ms) == (0, 10_000)
    assert turned_door.refusal().type is ProblemType.CIRCUIT_OPEN
    turned_door.admit(ticket=Ticket(probe.token))
    assert turned_circuits.enter("acme", NOW).token != 0  # type: ignore[union-attr]  # Its account is mirrored.


def test_a_probe_that_is_refused_for_another_reason_proves_nothing_and_is_given_back(
    turned_door: Door, turned_circuits: Circuits, clock: Clock, queue: Queue, override: Any
) -> None:
    override(events_burst=5)
    opened(turned_circuits)
    clock.forward(seconds=30)
    probe = turned_circuits.enter("acme", NOW)
    assert probe is not None
    before = queue.everything()

    assert turned_door.refusal(batch(events=6), ticket=Ticket(probe.token)).limit == "events_per_minute"

    assert queue.everything() == before
    turned_circuits.release("acme", NOW, probe.token)
    assert turned_circuits.enter("acme", NOW).wait_ms == 0  # type: ignore[union-attr]  # Its account is mirrored.


def test_a_bad_probe_opens_it_again(turned_circuits: Circuits, clock: Clock) -> None:
    opened(turned_circuits)
    clock.forward(seconds=30)
    probe = turned_circuits.enter("acme", NOW)
    assert probe is not None

    again = turned_circuits.bad("acme", NOW, cause="invalid-events", token=probe.token)

    assert again is not None
    assert (again.state, again.wait_ms) == (State.OPEN, 30_000)


@pytest.mark.parametrize("asking", ["enter", "admit"])
def test_of_many_who_ask_at_once_one_is_the_probe(
    turned_door: Door, turned_circuits: Circuits, clock: Clock, queue: Queue, asking: str
) -> None:
    """The first of them to be admitted proves the circuit good, so that the second is another probe and closes it."""
    opened(turned_circuits)
    clock.forward(seconds=30)
    tokens: list[int] = []
    barrier = threading.Barrier(16)

    def ask() -> None:
        barrier.wait()
        seen = turned_circuits.enter("acme", NOW)
        assert seen is not None
        if seen.token:
            tokens.append(seen.token)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tokens) == 1
    if asking == "admit":
        for _ in range(5):
            turned_door.refusal()
        turned_door.admit(ticket=Ticket(tokens[0]))
        assert queue.accepted() == 1


def test_an_operator_closes_it_by_hand(turned_door: Door, turned_circuits: Circuits, redis_client: redis.Redis) -> None:
    opened(turned_circuits)

    turned_circuits.reset("acme", NOW, by="operator")

    turned_door.admit()
    assert journalled(redis_client, b"before", b"after", b"cause")[-1] == (b"open", b"closed", b"by operator")
    turned_circuits.reset("acme", NOW, by="operator")
    assert len(journalled(redis_client)) == 2


def test_what_is_counted_is_forgotten_with_its_window(turned_circuits: Circuits, redis_client: redis.Redis) -> None:
    turned_circuits.bad("acme", NOW, cause="malformed-json")

    assert 60 <= redis_client.ttl(keyspace.circuit(SHARD, "acme")) <= 66  # type: ignore[operator]  # A number.


def test_events_that_died_are_a_bad_outcome(turned_circuits: Circuits, redis_client: redis.Redis) -> None:
    for _ in range(THRESHOLDS.minimum):
        turned_circuits.died("acme", NOW)

    assert journalled(redis_client, b"after", b"cause") == [(b"open", b"dead-events")]


def test_a_death_that_cannot_be_counted_is_none_of_the_worker_s_worries() -> None:
    away = Valkey("redis://127.0.0.1:1")
    circuits = Circuits(Scripts(away), ShardDirectory(away), thresholds=THRESHOLDS)

    circuits.died("acme", NOW)


def test_nobody_s_circuit_is_not_there(turned_circuits: Circuits, redis_client: redis.Redis) -> None:
    names = redis_client.keys()

    assert turned_circuits.bad("nobody", NOW, cause="malformed-json") is None
    assert turned_circuits.enter("nobody", NOW) is None
    assert redis_client.keys() == names


def test_a_full_valkey_still_counts(turned_circuits: Circuits, redis_client: redis.Redis) -> None:
    with memory_limited(redis_client, 1):
        opened(turned_circuits)
