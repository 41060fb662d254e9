"""Entries whose workers are killed: none is lost, none is doubled, and only the guilty are buried."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from app.core.queue.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.queue.shard_queue import ShardQueue
    from tests.core.queue.kills.conftest import Crew

    Fill = Callable[..., set[str]]


@pytest.mark.parametrize("failpoint", ["queue.before_run", "store.mid_run", "queue.before_ack"])
def test_every_entry_is_stored_and_accounted_for_once(crew: Crew, fill: Fill, failpoint: str) -> None:
    batch_ids = fill()

    crew.killed_at(failpoint, workers=0)
    crew.finish(workers=0)

    crew.check_entries(batch_ids)


@pytest.mark.parametrize("failpoint", ["queue.before_retry", "queue.after_retry"])
def test_a_killed_retry_writer_loses_no_entry_and_buries_after_four_attempts(
    crew: Crew, queue: ShardQueue, fill: Fill, failpoint: str
) -> None:
    neighbours = fill(30)
    bad = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"fail")

    crew.killed_at(failpoint, workers=0)
    crew.finish(workers=0)

    crew.check_entries(neighbours)
    assert crew.buried.keys() == {bad}
    assert crew.buried[bad].startswith("4 ValueError: this body fails")


def test_a_killer_is_buried_while_its_neighbours_flow(crew: Crew, queue: ShardQueue) -> None:
    killer = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"kill")
    neighbours = {queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"store") for _ in range(50)}

    ends = crew.replace_whoever_dies(workers=0)

    assert ends == [-signal.SIGKILL] * 4, (
        "one worker dies with the bundle, three with the entry alone, none with its child"
    )
    crew.check_entries(neighbours)
    assert crew.buried == {killer: "4 its process died (signal SIGKILL)"}
    assert crew.noted("order")[-1] == killer


def test_a_bundle_that_hangs_ends_its_worker_and_is_buried_when_its_child_hangs(crew: Crew, queue: ShardQueue) -> None:
    hanging = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"hang")

    ends = crew.replace_whoever_dies(workers=0, redeliveries=1, timeout_s=1.0)

    assert ends == [70] * 2
    assert crew.buried == {hanging: "4 its process hung for more than 1 s"}
    crew.check_entries(set())


def test_the_checker_goes_red_when_the_acknowledgement_comes_before_the_work(crew: Crew, fill: Fill) -> None:
    batch_ids = fill()

    crew.killed_at("store.mid_run", workers=0, sabotage=True)
    crew.finish(workers=0)

    with pytest.raises(AssertionError):
        crew.check_entries(batch_ids)
