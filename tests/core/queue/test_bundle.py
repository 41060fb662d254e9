from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.queue.counters import Outcome
from app.core.queue.keys import lane_stream
from app.core.queue.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.queue.bundle import Policy
    from app.core.queue.shard_queue import ShardQueue
    from app.core.valkey import Valkey
    from tests.core.queue.conftest import Accounts, Handler, Runner

    Add = Callable[..., str]
    Hold = Callable[..., None]

ME = "me"


@pytest.fixture(autouse=True)
def leased(hold: Hold) -> None:
    hold()


def test_a_bundle_is_run_together_and_settled(
    runner: Runner, add: Add, policy: Policy, handler: Handler, accounts: Accounts
) -> None:
    added = [add(events=2) for _ in range(10)]

    runner.drain(policy)

    assert handler.runs == [added]
    assert accounts.traces() == []
    assert runner.counters.entries() == {(0, "normal", Outcome.PROCESSED): 10}
    assert runner.counters.events() == {(0, "normal", Outcome.PROCESSED): 20}


def test_when_a_bundle_fails_each_entry_runs_alone_and_the_neighbours_are_done(
    runner: Runner, add: Add, policy: Policy, handler: Handler, accounts: Accounts
) -> None:
    first, bad, last = add(), add(b"fail"), add()

    runner.drain(policy)

    assert handler.runs[:4] == [[first, bad, last], [first], [bad], [last]]
    assert handler.done == [first, last]
    assert [batch_id for batch_id, _, _ in handler.buried] == [bad]
    assert accounts.traces() == []


def test_an_entry_is_buried_after_its_third_retry_with_reason_and_attempts(
    runner: Runner, add: Add, policy: Policy, handler: Handler
) -> None:
    bad = add(b"fail")

    runner.drain(policy)

    assert handler.runs == [[bad]] * 4
    ((batch_id, reason, attempts),) = handler.buried
    assert (batch_id, attempts) == (bad, 4)
    assert reason.startswith("ValueError: this body fails\n")
    assert "Traceback" in reason
    assert runner.counters.entries() == {(0, "normal", Outcome.RETRIED): 3, (0, "normal", Outcome.DEAD): 1}


def test_an_attempt_is_written_before_the_grave_is_dug(
    queue: ShardQueue, runner: Runner, add: Add, policy: Policy, handler: Handler
) -> None:
    add(b"fail")
    handler.grave_error = ValueError("the ground is frozen")
    one_try = replace(policy, retries=0)
    runner.make(one_try).run(queue.take(0, ME))
    assert len(handler.runs) == 1

    handler.grave_error = None
    runner.drain(one_try)

    assert len(handler.runs) == 1, "an entry whose attempts are used up is not run again"
    assert [(attempts, reason.splitlines()[0]) for _, reason, attempts in handler.buried] == [
        (1, "ValueError: this body fails")
    ]


def test_a_dependency_that_is_away_costs_no_attempt_and_keeps_the_bundle_together(
    runner: Runner, add: Add, policy: Policy, handler: Handler, accounts: Accounts
) -> None:
    added = [add(), add(b"away"), add()]
    handler.outages = 8

    runner.drain(replace(policy, retries=0))

    assert handler.runs == [added] * 9
    assert (handler.done, handler.buried, accounts.traces()) == (added, [], [])


def test_a_bundle_that_is_too_much_for_its_dependency_is_taken_apart_and_still_charged_nothing(
    runner: Runner, add: Add, policy: Policy, handler: Handler, accounts: Accounts
) -> None:
    added = [add(), add(b"away"), add()]
    handler.outages = 50

    runner.drain(replace(policy, retries=0))

    alone = [[batch_id] for batch_id in added]
    assert handler.runs == [added] * 9 + [alone[0]] + [alone[1]] * 42 + [alone[2]]
    assert (handler.done, handler.buried, accounts.traces()) == (added, [], [])


def test_a_grave_that_is_away_is_waited_for(
    runner: Runner, add: Add, policy: Policy, handler: Handler, accounts: Accounts
) -> None:
    bad = add(b"fail")
    handler.graves_away = 5

    runner.drain(policy)

    assert [(batch_id, attempts) for batch_id, _, attempts in handler.buried] == [(bad, 4)]
    assert accounts.traces() == []


def test_an_entry_that_cannot_be_buried_is_kept_and_tried_again_later(
    queue: ShardQueue, runner: Runner, add: Add, policy: Policy, handler: Handler
) -> None:
    bad = add(b"fail")
    handler.grave_error = ValueError("the ground is frozen")

    runner.drain(policy, turns=20)

    assert handler.buried == []
    assert len(handler.runs) == 4
    (kept,) = queue.take(0, ME).entries
    assert (kept.batch_id, kept.attempts, kept.redeliveries) == (bad, 4, 0)


def test_a_worker_that_stops_while_it_waits_hands_back_what_it_holds(
    queue: ShardQueue, runner: Runner, add: Add, policy: Policy, handler: Handler
) -> None:
    added = [add(b"away"), add()]
    handler.outages = 1
    runner.stop_flag.set()

    runner.make(policy).run(queue.take(0, ME))
    runner.stop_flag.clear()
    runner.drain(policy)

    assert handler.runs[1:] == [[added[0]], [added[1]]]
    assert handler.done == added


def test_a_worker_that_stops_between_entries_that_run_alone_hands_back_the_rest(
    queue: ShardQueue, runner: Runner, add: Add, policy: Policy, handler: Handler, accounts: Accounts
) -> None:
    first, away, last = add(), add(b"away"), add(b"fail")

    def stop_at_the_second(entries: object) -> None:
        if len(handler.runs) == 3:
            handler.outages = 1
            runner.stop_flag.set()

    handler.on_run = stop_at_the_second
    runner.make(policy).run(queue.take(0, ME))
    assert handler.done == [first]
    runner.stop_flag.clear()

    runner.drain(policy)

    assert handler.done == [first, away]
    assert [batch_id for batch_id, _, _ in handler.buried] == [last]
    assert accounts.traces() == []


def test_a_worker_whose_shard_was_taken_over_leaves_the_rest_to_the_heir(
    queue: ShardQueue, runner: Runner, add: Add, policy: Policy, handler: Handler, hold: Hold
) -> None:
    bad = add(b"fail")
    handler.on_run = lambda _entries: hold("heir")

    runner.make(policy).run(queue.take(0, ME))

    assert handler.buried == []
    entry = queue.take(0, "heir").entries[0]
    assert (entry.batch_id, entry.attempts) == (bad, 0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (["v", "1", "t", "summarise", "o", "a", "n", "1", "c", "r", "d", "x"], "task 'summarise' is unknown"),
        (["v", "9", "t", "store", "o", "a", "n", "1", "c", "r", "d", "x"], "version 9 is unknown"),
    ],
)
def test_what_this_release_does_not_understand_waits_for_one_that_does_and_is_buried_in_the_end(
    runner: Runner, add: Add, policy: Policy, handler: Handler, valkey: Valkey, fields: list[str], reason: str
) -> None:
    valkey.execute("XADD", lane_stream(0, Lane.NORMAL), "*", *fields)
    known = add()
    patient = replace(policy, unknown_delay_s=0.0)

    runner.drain(patient, turns=20)
    assert (handler.done, handler.buried) == ([known], [])
    runner.drain(replace(patient, unknown_grace_s=0.0))

    assert [(said, attempts) for _, said, attempts in handler.buried] == [(reason, 0)]
    assert handler.runs == [[known]]


class FlakyQueue:
    """A queue whose Valkey is away for the next *outages* calls of each kind."""

    def __init__(self, queue: ShardQueue, outages: int) -> None:
        self._queue = queue
        self._left = dict.fromkeys(("settle", "postpone"), outages)

    def __getattr__(self, name: str) -> object:
        method = getattr(self._queue, name)

        def call(*args: object, **kwargs: object) -> object:
            if self._left.get(name):
                self._left[name] -= 1
                raise ConnectionError("valkey is away")
            return method(*args, **kwargs)

        return call


def test_work_is_not_done_again_because_valkey_was_away_when_it_was_done(
    queue: ShardQueue, runner: Runner, add: Add, policy: Policy, handler: Handler, accounts: Accounts
) -> None:
    good, bad = add(), add(b"fail")
    runner.queue = FlakyQueue(queue, outages=7)

    runner.drain(policy)

    assert handler.done == [good]
    assert handler.buried[0][0] == bad
    assert len(handler.runs) == 1 + 1 + 4
    assert accounts.traces() == []


def test_every_failpoint_lies_on_the_way(runner: Runner, add: Add, policy: Policy) -> None:
    add(b"fail")

    runner.drain(policy)

    assert set(runner.hits) == {"queue.before_run", "queue.before_retry", "queue.after_retry", "queue.before_ack"}
