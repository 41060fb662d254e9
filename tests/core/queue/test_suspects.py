"""Entries with which more workers died than is decent: they run in a child."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.queue.counters import Outcome
from app.core.queue.sacrifice import Ending, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.queue.bundle import Policy
    from app.core.queue.shard_queue import ShardQueue
    from tests.core.queue.conftest import Accounts, Handler, Runner

    Add = Callable[..., str]
    Hold = Callable[..., None]

ME = "me"


class Witness:
    """Stands where a `Sacrifice` stands: tells the endings it was given, in turn."""

    def __init__(self, *endings: Ending) -> None:
        self.endings = list(endings)

    def run(self, payload: bytes, is_stopping: object, *, pause_on: object = ()) -> Verdict:
        return Verdict(self.endings.pop(0), "as told")


@pytest.fixture(autouse=True)
def leased(hold: Hold) -> None:
    hold()


class TestSuspects:
    """Entries with which more workers died than is decent."""

    @pytest.fixture
    def suspect(self, queue: ShardQueue, add: Add, hold: Hold) -> str:
        batch_id = add()
        for death in range(4):
            hold(f"worker {death}")
            queue.take(0, f"worker {death}")
        hold()
        return batch_id

    @pytest.mark.parametrize("ending", [Ending.DIED, Ending.HUNG, Ending.RAISED])
    def test_one_that_ends_badly_while_the_witness_lives_is_charged_and_buried(
        self, runner: Runner, policy: Policy, handler: Handler, suspect: str, ending: Ending
    ) -> None:
        runner.drain(replace(policy, sacrifice=Witness(*[ending] * 4)))

        assert handler.buried == [(suspect, "as told", 4)]
        assert handler.runs == []

    def test_one_that_survives_is_innocent(
        self, runner: Runner, policy: Policy, handler: Handler, suspect: str, accounts: Accounts
    ) -> None:
        runner.drain(replace(policy, sacrifice=Witness(Ending.AWAY, Ending.AWAY, Ending.DONE)))

        assert (handler.buried, accounts.traces()) == ([], [])
        assert runner.counters.entries() == {(0, "normal", Outcome.PROCESSED): 1}

    def test_one_whose_worker_stops_meanwhile_is_not_blamed(
        self, queue: ShardQueue, runner: Runner, policy: Policy, handler: Handler, suspect: str
    ) -> None:
        runner.make(replace(policy, sacrifice=Witness(Ending.ABANDONED))).run(queue.take(0, ME))

        again = queue.take(0, ME).entries[0]
        assert (again.batch_id, again.attempts, again.redeliveries) == (suspect, 0, 4)

    def test_without_a_sacrifice_it_runs_in_the_worker(
        self, runner: Runner, policy: Policy, handler: Handler, suspect: str
    ) -> None:
        runner.drain(policy)

        assert handler.done == [suspect]
