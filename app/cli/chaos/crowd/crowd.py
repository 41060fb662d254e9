"""A process that sends by the clock and not by the answers, on a core of its own: `with Crowd(plan) as crowd: crowd.go()`."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any, Self

from app.cli.chaos.crowd.cores import pin
from app.cli.chaos.crowd.stage import ANSWER_TIMEOUT_S, Stage

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.cli.chaos.crowd.traffic import Ask, Plan

START_TIMEOUT_S = 60.0


class Crowd:
    """Senders that start together; a context manager."""

    def __init__(self, plan: Plan) -> None:
        context = multiprocessing.get_context("spawn")
        self._plan = plan
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(plan, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._receive(START_TIMEOUT_S)
        return self

    def __exit__(self, *_error: object) -> None:
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def go(self) -> None:
        """Start the clock."""
        self._pipe.send(None)

    def asks(self) -> list[Ask]:
        """Return all that was asked, once the last answer is there."""
        asks: list[Ask] = self._receive(self._plan.seconds + self._plan.patience_s + 2 * ANSWER_TIMEOUT_S)
        return asks

    def _receive(self, timeout_s: float) -> Any:
        if not self._pipe.poll(timeout_s):
            raise TimeoutError("The process that sends the load does not answer.")
        return self._pipe.recv()


def _run(plan: Plan, pipe: Connection) -> None:
    pin(plan.cores)
    stage = Stage(plan)
    pipe.send("ready")
    pipe.recv()
    pipe.send(stage.run())
