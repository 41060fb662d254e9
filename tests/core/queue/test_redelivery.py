"""Entries that come back: of dead workers, and of failures that wait for another try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.queue.keys import lane_stream
from app.core.queue.lanes import LANES, Lane
from app.core.queue.shard_queue import Bounds, LeaseLostError, ShardQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.queue.shard_queue import Bundle
    from app.core.valkey import Valkey
    from tests.core.queue.conftest import Accounts

    Add = Callable[..., str]
    Hold = Callable[..., None]
    Finish = Callable[..., Bundle]

ME = "me"


class TestDeliveredAgain:
    """What a dead worker, or a call whose answer was lost, has left pending."""

    def test_entries_come_back_one_at_a_time_and_in_order(
        self, queue: ShardQueue, add: Add, hold: Hold, finish: Finish
    ) -> None:
        hold("dead")
        added = [add() for _ in range(12)]
        queue.take(0, "dead")
        fresh = add()
        hold()

        bundles = [finish() for _ in range(13)]

        assert [[entry.batch_id for entry in bundle.entries] for bundle in bundles] == [
            [one] for one in [*added, fresh]
        ]
        assert [bundle.again for bundle in bundles] == [True] * 12 + [False]
        assert {bundle.entries[0].redeliveries for bundle in bundles[:12]} == {1}

    def test_one_that_was_an_orphan_before_goes_behind_the_others(
        self, queue: ShardQueue, add: Add, hold: Hold, finish: Finish
    ) -> None:
        hold("first to die")
        added = [add() for _ in range(4)]
        queue.take(0, "first to die")
        hold("second to die")
        killer = queue.take(0, "second to die").entries[0].batch_id
        assert killer == added[0]
        hold()

        assert [finish().entries[0].batch_id for _ in range(4)] == [*added[1:], killer]

    def test_a_clock_that_was_set_back_keeps_nobody_waiting_and_no_killer_in_front(
        self, queue: ShardQueue, valkey: Valkey, hold: Hold, finish: Finish
    ) -> None:
        hold("first to die")
        later_ms = int(valkey.execute("TIME")[0]) * 1_000 + 3_600_000
        entry = ("v", "1", "t", "store", "o", "acme", "n", "1", "c", "r", "d", "")
        for sequence in range(3):
            valkey.execute("XADD", lane_stream(0, Lane.NORMAL), f"{later_ms}-{sequence}", *entry)
        queue.take(0, "first to die")
        hold("second to die")
        assert queue.take(0, "second to die").entries[0].id == f"{later_ms}-0"
        hold()

        assert [finish().entries[0].id for _ in range(3)] == [f"{later_ms}-{sequence}" for sequence in (1, 2, 0)]

    def test_every_death_is_counted(self, queue: ShardQueue, add: Add, hold: Hold) -> None:
        add()
        seen = []
        for death in range(5):
            hold(f"worker {death}")
            seen.append(queue.take(0, f"worker {death}").entries[0].redeliveries)

        assert seen == [0, 1, 2, 3, 4]

    def test_orphans_of_all_lanes_are_found_among_many(
        self, valkey: Valkey, add: Add, hold: Hold, finish: Finish
    ) -> None:
        queue = ShardQueue(valkey, bounds=Bounds(entries=1_000, turn=300))
        hold("dead")
        added = {add(lane=lane) for lane in LANES for _ in range(120)}
        taken = queue.take(0, "dead").entries
        assert len(taken) == len(added)
        hold()

        again = {finish().entries[0].batch_id for _ in range(480)}

        assert again == added

    def test_handing_back_in_good_order_is_no_death(
        self, queue: ShardQueue, add: Add, hold: Hold, finish: Finish
    ) -> None:
        hold("leaver")
        added = [add(), add()]
        queue.hand_back(queue.take(0, "leaver").entries, "leaver")
        hold()

        bundles = [finish(), finish()]

        assert [bundle.entries[0].batch_id for bundle in bundles] == added
        assert [bundle.entries[0].redeliveries for bundle in bundles] == [0, 0]

    def test_a_zombie_hands_nothing_back(self, queue: ShardQueue, add: Add, hold: Hold) -> None:
        hold("zombie")
        add()
        taken = queue.take(0, "zombie").entries
        hold("heir")
        queue.take(0, "heir")

        queue.hand_back(taken, "zombie")

        assert queue.take(0, "heir").entries[0].redeliveries == 2


class TestPostponed:
    def test_a_postponed_entry_waits_while_others_flow(self, queue: ShardQueue, add: Add, hold: Hold) -> None:
        hold()
        add()
        (entry,) = queue.take(0, ME).entries
        queue.postpone(entry, ME, delay_s=600, attempts=1, reason="it failed")
        fresh = add()

        assert [e.batch_id for e in queue.take(0, ME).entries] == [fresh]
        assert queue.reason(entry) == "it failed"

    def test_it_comes_back_with_its_attempts_and_under_its_own_batch_id(
        self, queue: ShardQueue, add: Add, hold: Hold
    ) -> None:
        hold()
        batch_id = add()
        (entry,) = queue.take(0, ME).entries
        queue.postpone(entry, ME, delay_s=0, attempts=2, reason="twice")

        bundle = queue.take(0, ME)

        assert bundle.again
        assert (bundle.entries[0].batch_id, bundle.entries[0].attempts) == (batch_id, 2)
        assert bundle.entries[0].redeliveries == 0

    def test_settling_it_leaves_no_trace(self, queue: ShardQueue, add: Add, hold: Hold, accounts: Accounts) -> None:
        hold()
        add()
        (entry,) = queue.take(0, ME).entries
        queue.postpone(entry, ME, delay_s=0, attempts=2, reason="twice", not_understood=True)

        queue.settle(queue.take(0, ME).entries, again=True)

        assert (accounts.load(), accounts.inflight(), accounts.traces()) == ({}, {}, [])

    def test_a_zombie_charges_nothing(self, queue: ShardQueue, add: Add, hold: Hold) -> None:
        hold("zombie")
        add()
        (entry,) = queue.take(0, "zombie").entries
        hold("heir")

        with pytest.raises(LeaseLostError):
            queue.postpone(entry, "zombie", delay_s=0, attempts=1)

        assert queue.take(0, "heir").entries[0].attempts == 0
