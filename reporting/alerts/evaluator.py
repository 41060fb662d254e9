"""Evaluates alerts every 30 s, by exactly one of many workers.

1. Every worker asks every two seconds for the lease, which is Valkey's and needs no clock of a worker.
2. Who holds it evaluates when it is due, takes note in Valkey, and hands what is to be told to the queue.
3. A worker that dies holds the lease for 15 s more; another takes over, so that no evaluation is more than a minute late.
4. One that was frozen, and goes on with an evaluation that another has done meanwhile, is refused by PostgreSQL.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from app.core.errors import DependencyError
from app.core.keyspace import ALERTS_EVALUATED, EVALUATOR_LEASE
from app.core.queue.scripts import source

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from app.core.valkey import Script, Valkey
    from reporting.alerts.evaluation import Evaluation

ASK_EVERY_S = 2.0
EVALUATE_EVERY_S = 29.0
"""30 s, less what it takes to be asked again."""
LEASE_S = 15.0
_DUE = 2


class Evaluator:
    """`step` is called every `ASK_EVERY_S` by one thread. Methods raise `DependencyError`."""

    def __init__(
        self,
        valkey: Valkey,
        evaluation: Evaluation,
        *,
        worker: str,
        then: Callable[[], object],
        every_s: float = EVALUATE_EVERY_S,
        lease_s: float = LEASE_S,
        clock: Callable[[], datetime],
    ) -> None:
        self._turn = valkey.script(lua("evaluator_turn"))
        self._evaluated = valkey.script(lua("evaluated"))
        self._release: Script = valkey.script(source("lease_release"))
        self._evaluation = evaluation
        self._worker = worker
        self._then = then
        self._arguments = (worker, round(lease_s * 1_000), round(every_s * 1_000))
        self._clock = clock

    def step(self) -> bool:
        """Hold the lease if it is free, evaluate if that is due, and tell whether it was done."""
        if self._turn([EVALUATOR_LEASE, ALERTS_EVALUATED], self._arguments) != _DUE:
            return False
        now = self._clock()
        if not self._evaluation.run(now, by=self._worker):
            return False
        self._evaluated([ALERTS_EVALUATED])
        self._then()
        return True

    def resign(self) -> None:
        """Let another evaluate at once."""
        try:
            self._release([EVALUATOR_LEASE], [self._worker])
        except DependencyError:
            return  # It ends by itself.


def lua(name: str) -> str:
    """Return the text of a script of alerts."""
    return files("reporting.alerts").joinpath(f"{name}.lua").read_text("utf-8")
