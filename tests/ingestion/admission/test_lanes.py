"""Which lane a batch goes into, and who has room in a queue that fills."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core.accounts_service import AccountChange
from app.core.keys import TENANT_SCOPES
from app.core.problems import ProblemType
from app.core.queue.keys import ShardKeys
from app.core.queue.lanes import Lane
from app.core.queue.shard_queue import ShardQueue
from app.domain.shards import shard_of
from ingestion.limits import fair_share
from tests.ingestion.admission.conftest import BUNDLE, ROOM, Door, batch, make_admission, presented

if TYPE_CHECKING:
    import redis

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys_service import Keys
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey
    from tests.conftest import World
    from tests.ingestion.admission.conftest import Queue

SHARD = shard_of("acme")


@pytest.fixture
def neighbour(door: Door, accounts: Accounts, keys: Keys, world: World) -> Door:
    """Bob's account, on the shard of Alice's and with her limits."""
    accounts.change("bolt", AccountChange(shard=SHARD, tier="standard"), datetime.now(UTC))
    return Door(door.admission, presented(keys.create("bolt", TENANT_SCOPES, now=datetime.now(UTC)).text))


def lane_of(receipt: Any) -> str:
    return str(receipt.batch_id[2])


def test_a_whale_goes_behind_everybody_when_it_has_had_its_share(door: Door, neighbour: Door) -> None:
    neighbour.admit()
    lanes = [lane_of(door.admit(batch(events=500))) for _ in range(7)]

    # Two accounts in flight: half a bundle each.
    assert lanes == ["n"] * (BUNDLE // 2 // 500) + ["o"] * 2
    assert lane_of(neighbour.admit(batch(events=500))) == "n"


def test_so_at_most_one_bundle_lies_before_whoever_comes_next(door: Door, neighbour: Door, queue: Queue) -> None:
    for _ in range(30):
        door.admit(batch(events=300))
    neighbour.admit()

    before = [int(fields[b"n"]) for _, fields in queue.entries("acme", Lane.NORMAL)]
    assert sum(before) <= BUNDLE + 300


def test_nothing_of_it_is_lost(door: Door, neighbour: Door, queue: Queue) -> None:
    neighbour.admit()
    for _ in range(9):
        door.admit(batch(events=1_000))

    load = queue.hash(ShardKeys(SHARD).load)
    assert (load[b"events"], load[b"normal:events"], load[b"overflow:events"]) == (b"9001", b"3001", b"6000")
    assert (load[b"entries"], load[b"normal:entries"], load[b"overflow:entries"]) == (b"10", b"4", b"6")
    assert int(load[b"bytes"]) == int(load[b"normal:bytes"]) + int(load[b"overflow:bytes"])
    assert queue.hash(ShardKeys(SHARD).inflight) == {b"acme": b"9000", b"bolt": b"1"}
    assert queue.accepted() == 9_001


def test_whoever_has_little_in_flight_stays_in_his_lane(door: Door, redis_client: redis.Redis) -> None:
    redis_client.hset(ShardKeys(SHARD).inflight, mapping={f"other-{number}": 1 for number in range(1_000)})

    lanes = [lane_of(door.admit(batch(events=fair_share.FLOOR // 2))) for _ in range(3)]

    assert lanes == ["n", "n", "o"]


def test_what_workers_have_settled_counts_no_more(door: Door, neighbour: Door, valkey: Valkey) -> None:
    neighbour.admit()
    for _ in range(6):
        door.admit(batch(events=500))
    valkey.execute("SET", ShardKeys(SHARD).lease, "worker")
    queue = ShardQueue(valkey)
    while bundle := queue.take(SHARD, "worker").entries:
        queue.settle(bundle, again=False)

    assert lane_of(door.admit(batch(events=500))) == "n"


def test_an_ordered_account_stays_in_its_lane(door: Door, accounts: Accounts, neighbour: Door) -> None:
    accounts.change("acme", AccountChange(ordered=True), datetime.now(UTC))
    neighbour.admit()

    assert {lane_of(door.admit(batch(events=1_000))) for _ in range(10)} == {"n"}


def filled(queue: redis.Redis, share: float) -> None:
    """Let so much of the shard's room be taken by others."""
    queue.hset(ShardKeys(SHARD).load, "bytes", round(ROOM * share))


@pytest.mark.parametrize(
    ("lane", "share"), [("low", 0.8), ("normal", 0.9), ("high", 1.0)], ids=["low first", "then normal", "then high"]
)
def test_as_a_shard_fills_the_lowest_lane_is_refused_first(
    door: Door, redis_client: redis.Redis, override: Any, lane: str, share: float
) -> None:
    override(lane=lane)
    filled(redis_client, share - 0.05)
    door.admit()

    filled(redis_client, share)

    refusal = door.refusal()
    assert (refusal.type, refusal.limit) == (ProblemType.OVERLOADED, "queue")


def test_a_whale_cannot_fill_the_room_of_its_neighbours(door: Door, neighbour: Door, redis_client: redis.Redis) -> None:
    neighbour.admit()
    for _ in range(6):
        door.admit(batch(events=500))
    filled(redis_client, 0.61)

    assert door.refusal().type is ProblemType.OVERLOADED
    neighbour.admit()


def test_one_shard_may_fill_a_quarter_of_the_queue(
    database: Database, valkey: Valkey, mirror: AccountMirror, world: World
) -> None:
    door = Door(make_admission(database, valkey, mirror, room=1_000), presented(world.alice.key))

    door.admit(batch(b"x" * 900))
    door.refusal(batch(b"x"))
