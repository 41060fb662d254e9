from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from app.core.queue.keys import lane_load, lane_stream
from app.core.queue.lanes import LANES, WEIGHTS, Lane
from app.core.queue.shard_queue import COMPANY_S, Bounds, LeaseLostError, ShardQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.queue.shard_queue import Bundle
    from app.core.valkey import Valkey
    from tests.core.queue.conftest import Accounts

    Add = Callable[..., str]
    Hold = Callable[..., None]
    Finish = Callable[..., Bundle]

ME = "me"


def test_an_entry_comes_back_as_it_was_appended(queue: ShardQueue, hold: Hold) -> None:
    hold(shard=7)
    batch_id = queue.enqueue(
        7, Lane.LOW, owner="acme", events=3, body=b"\x00\xff", codec="z", idempotency_key="abc", task="store"
    )

    (entry,) = queue.take(7, ME).entries

    assert entry.batch_id == batch_id
    assert batch_id.startswith("07l-")
    assert (entry.owner, entry.events, entry.body, entry.codec) == ("acme", 3, b"\x00\xff", "z")
    assert (entry.idempotency_key, entry.task, entry.fault) == ("abc", "store", "")
    assert (entry.attempts, entry.redeliveries) == (0, 0)
    assert entry.received_ms == int(batch_id.split("-")[1])


def test_nothing_is_taken_without_the_lease(queue: ShardQueue, add: Add, hold: Hold) -> None:
    add()
    hold("other")

    with pytest.raises(LeaseLostError):
        queue.take(0, ME)

    hold()
    assert len(queue.take(0, ME).entries) == 1


def test_an_empty_shard_gives_an_empty_bundle(queue: ShardQueue, hold: Hold) -> None:
    hold()

    bundle = queue.take(0, ME)

    assert (bundle.entries, bundle.again) == ((), False)


def test_the_account_counts_entries_bytes_and_events_until_they_are_settled(
    queue: ShardQueue, add: Add, hold: Hold, accounts: Accounts
) -> None:
    hold()
    add(b"12345", Lane.HIGH, "acme", 10)
    add(b"123", Lane.NORMAL, "acme", 2)
    add(b"1", Lane.NORMAL, "bolt", 1)

    assert accounts.load() == {
        "entries": 3,
        "bytes": 9,
        "events": 13,
        **dict(zip(lane_load(Lane.HIGH), (1, 5, 10), strict=True)),
        **dict(zip(lane_load(Lane.NORMAL), (2, 4, 3), strict=True)),
    }
    assert accounts.inflight() == {"acme": 12, "bolt": 1}

    bundle = queue.take(0, ME)
    acme = [entry for entry in bundle.entries if entry.owner == "acme"]
    assert queue.settle(acme, again=False) == 2
    assert accounts.load() == {"entries": 1, "bytes": 1, "events": 1} | dict.fromkeys(lane_load(Lane.NORMAL), 1)
    assert accounts.inflight() == {"bolt": 1}

    queue.settle([entry for entry in bundle.entries if entry.owner == "bolt"], again=False)
    assert (accounts.load(), accounts.inflight(), accounts.traces()) == ({}, {}, [])


def test_settling_twice_subtracts_once(queue: ShardQueue, add: Add, hold: Hold, accounts: Accounts) -> None:
    hold()
    add(events=5)
    entries = queue.take(0, ME).entries
    add(events=2)

    assert (queue.settle(entries, again=False), queue.settle(entries, again=False)) == (1, 0)
    assert accounts.inflight() == {"acme": 2}
    assert accounts.load()["entries"] == 1


def test_a_zombie_s_settlement_changes_no_account(queue: ShardQueue, add: Add, hold: Hold, accounts: Accounts) -> None:
    hold("zombie")
    add(events=5)
    taken_by_zombie = queue.take(0, "zombie").entries
    hold("heir")
    taken_over = queue.take(0, "heir")
    assert taken_over.again

    first = queue.settle(taken_over.entries, again=True)
    late = queue.settle(taken_by_zombie, again=False)

    assert (first, late) == (1, 0)
    assert (accounts.load(), accounts.inflight(), accounts.traces()) == ({}, {}, [])


def test_an_heir_finds_nothing_to_do_when_the_zombie_settled_first(
    queue: ShardQueue, add: Add, hold: Hold, accounts: Accounts
) -> None:
    hold("zombie")
    add()
    add()
    taken = queue.take(0, "zombie").entries
    hold("heir")
    in_hand = queue.take(0, "heir").entries

    queue.settle(taken, again=False)

    assert queue.settle(in_hand, again=True) == 0
    assert queue.take(0, "heir").entries == ()
    assert (accounts.load(), accounts.inflight(), accounts.traces()) == ({}, {}, [])


def test_nothing_is_remembered_of_an_entry_whose_zombie_settled_it_and_whose_heir_died(
    queue: ShardQueue, add: Add, hold: Hold, accounts: Accounts
) -> None:
    hold("zombie")
    add()
    taken = queue.take(0, "zombie").entries
    hold("heir")
    queue.take(0, "heir")
    queue.settle(taken, again=False)
    hold()

    assert queue.take(0, ME).entries == ()
    assert (accounts.load(), accounts.inflight(), accounts.traces()) == ({}, {}, [])


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Bounds(entries=5, turn=1), 5),
        (Bounds(events=35, turn=1), 4),
        (Bounds(bytes=250, turn=1), 3),
        (Bounds(bytes=1, events=1), 1),
        (Bounds(entries=21, events=201, bytes=2_001), 20),
    ],
    ids=["entries", "events", "bytes", "one larger than all", "none"],
)
def test_a_bundle_ends_at_the_first_bound_it_reaches(
    valkey: Valkey, add: Add, hold: Hold, bounds: Bounds, expected: int
) -> None:
    hold()
    for _ in range(20):
        add(b"x" * 100, events=10)

    bundle = ShardQueue(valkey, bounds=bounds).take(0, ME)

    assert (len(bundle.entries), bundle.full) == (expected, expected < 20)


def test_large_entries_are_not_read_a_turn_at_once(valkey: Valkey, add: Add, hold: Hold) -> None:
    hold()
    for _ in range(20):
        add(b"x" * 1_000)

    assert len(ShardQueue(valkey, bounds=Bounds(bytes=3_000, turn=8)).take(0, ME).entries) == 3


def test_lanes_are_drained_by_their_weights(valkey: Valkey, add: Add, hold: Hold, finish: Finish) -> None:
    hold()
    queue = ShardQueue(valkey, bounds=Bounds(entries=10, turn=1))
    for lane in LANES:
        for _ in range(60):
            add(lane=lane)

    taken = Counter(entry.lane for _ in range(6) for entry in finish(queue).entries)

    assert taken == {lane: weight * 4 for lane, weight in WEIGHTS.items()}


def test_a_lane_alone_gets_every_turn(queue: ShardQueue, add: Add, hold: Hold) -> None:
    hold()
    for _ in range(50):
        add(lane=Lane.OVERFLOW)

    assert len(queue.take(0, ME).entries) == 50


def test_the_overflow_gives_little_to_a_bundle_however_much_waits_there(valkey: Valkey, add: Add, hold: Hold) -> None:
    hold()
    for _ in range(20):
        add(lane=Lane.OVERFLOW, events=100)
    for _ in range(3):
        add(lane=Lane.LOW, events=100)

    bundle = ShardQueue(valkey, bounds=Bounds(overflow=400)).take(0, ME)

    assert Counter(entry.lane for entry in bundle.entries) == {Lane.OVERFLOW: 4, Lane.LOW: 3}
    assert bundle.full


def test_the_overflow_of_an_account_alone_in_its_shard_fills_the_bundle(valkey: Valkey, add: Add, hold: Hold) -> None:
    hold()
    for _ in range(20):
        add(lane=Lane.OVERFLOW, events=100)

    bundle = ShardQueue(valkey, bounds=Bounds(events=1_000, overflow=400)).take(0, ME)

    assert Counter(entry.lane for entry in bundle.entries) == {Lane.OVERFLOW: 10}


def test_after_company_the_overflow_keeps_to_its_bound_for_a_while(
    valkey: Valkey, add: Add, hold: Hold, finish: Finish
) -> None:
    hold()
    # Each bundle asks when it is taken; one with several accounts in it also looks at the clock afterwards.
    times = iter((1_000.0, 1_000.0, 1_001.0, 999.9 + COMPANY_S, 1_000.0 + COMPANY_S))
    queue = ShardQueue(valkey, bounds=Bounds(events=1_000, overflow=400), clock=lambda: next(times))
    add(lane=Lane.LOW, owner="small")
    for _ in range(40):
        add(lane=Lane.OVERFLOW, owner="whale", events=100)

    assert [len(finish(queue).entries) for _ in range(4)] == [1 + 4, 4, 4, 10]


def test_a_flood_of_the_high_lane_starves_nobody(valkey: Valkey, add: Add, hold: Hold, finish: Finish) -> None:
    hold()
    queue = ShardQueue(valkey, bounds=Bounds(entries=1))
    for _ in range(40):
        add(lane=Lane.HIGH)
    last = add(lane=Lane.OVERFLOW)

    assert last in [finish(queue).entries[0].batch_id for _ in range(15)]


def test_a_lane_keeps_its_order(queue: ShardQueue, add: Add, hold: Hold) -> None:
    hold()
    added = [add() for _ in range(30)]

    assert [entry.batch_id for entry in queue.take(0, ME).entries] == added


def test_only_shards_that_hold_something_are_waiting(queue: ShardQueue) -> None:
    queue.enqueue(3, Lane.HIGH, owner="a", events=1, body=b"")
    queue.enqueue(9, Lane.OVERFLOW, owner="a", events=1, body=b"")

    assert queue.waiting(range(16)) == [3, 9]
    assert queue.waiting([0, 9]) == [9]
    assert queue.waiting([]) == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (["v", "2", "t", "store", "o", "a", "n", "1", "c", "r", "d", ""], "version 2 is unknown"),
        (["hello", "world"], "version missing is unknown"),
        (["v", "1", "t", "store", "n", "1", "c", "r"], "fields are missing: o, d"),
        (["v", "1", "t", "store", "o", "a", "n", "many", "c", "r", "d", ""], "the number of events is no number"),
    ],
)
def test_an_entry_that_makes_no_sense_has_a_fault(
    queue: ShardQueue, valkey: Valkey, hold: Hold, fields: list[str], fault: str
) -> None:
    hold()
    valkey.execute("XADD", lane_stream(0, Lane.HIGH), "*", *fields)

    assert queue.take(0, ME).entries[0].fault == fault


def test_a_full_valkey_still_drains(
    queue: ShardQueue, add: Add, hold: Hold, valkey: Valkey, accounts: Accounts
) -> None:
    hold()
    for _ in range(3):
        add()
    (again, *_) = queue.take(0, ME).entries
    servers = valkey.servers()
    limit = servers[0].execute("CONFIG", "GET", "maxmemory")[1]
    for server in servers:
        server.execute("CONFIG", "SET", "maxmemory", 1)
    try:
        queue.postpone(again, ME, delay_s=0, attempts=1)
        while entries := queue.take(0, ME).entries:
            queue.settle(entries, again=True)
    finally:
        for server in servers:
            server.execute("CONFIG", "SET", "maxmemory", limit)

    assert (accounts.load(), accounts.inflight(), accounts.traces()) == ({}, {}, [])
