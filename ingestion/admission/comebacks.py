"""Gives those who were refused together turns to come back: in a queue for each account's rate, and in one for the line at the door."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, NamedTuple

from ingestion.limits.comeback import LONGEST_MS, Promised, give_turn

if TYPE_CHECKING:
    from datetime import datetime

    from ingestion.admission.standing import Standing
    from ingestion.admission.verdict import Refusal

JITTER_S = 1.0
"""Added to a turn for a rate: whole seconds without it would gather everybody at their beginnings."""
LONGEST_IN_LINE_MS = 15_000.0
"""In the line accounts wait for one another: a flood of one of them, who does not even come back, must not keep others away for long."""
_MINUTE_S = 60
_MOST = 20_000


class Comebacks:
    """Thread-safe; one a process. `processes` is how many like it share an account's rate."""

    def __init__(self, *, processes: int) -> None:
        self._processes = processes
        self._accounts: dict[str, Promised] = {}
        self._line = Promised()
        self._lock = threading.Lock()

    def after_rate(self, account_id: str, refusal: Refusal, *, events: int, now: datetime) -> None:
        """Send away one who waits for his account's rate. A batch that can never pass has no turn."""
        standing = refusal.standing
        if standing is not None and events <= standing.burst:
            refusal.retry_after = self._turn_of_account(account_id, refusal, self._cost(standing, events), now)
            refusal.jitter_s = JITTER_S

    def after_overload(
        self, account_id: str, refusal: Refusal, *, events: int, served_per_s: float, now: datetime
    ) -> None:
        """Send away one who found no room here. His account's rate, once we know it, would not let all of its own in at once either."""
        with self._lock:
            self._line, wait_s = _turn(self._line, refusal, _Cost(1, 1, served_per_s, LONGEST_IN_LINE_MS), now)
        if refusal.standing is not None:
            wait_s = max(wait_s, self._turn_of_account(account_id, refusal, self._cost(refusal.standing, events), now))
        refusal.retry_after = wait_s

    def _cost(self, standing: Standing, events: int) -> _Cost:
        return _Cost(events, self._processes, standing.per_minute / _MINUTE_S)

    def _turn_of_account(self, account_id: str, refusal: Refusal, cost: _Cost, now: datetime) -> float:
        with self._lock:
            promised, wait_s = _turn(self._accounts.get(account_id, Promised()), refusal, cost, now)
            if len(self._accounts) >= _MOST:
                self._accounts.clear()
            self._accounts[account_id] = promised
        return wait_s


class _Cost(NamedTuple):
    """What a turn takes, of room that comes back at so much a second and is shared by so many queues like ours."""

    amount: int
    parts: int
    per_s: float
    longest_ms: float = LONGEST_MS


def _turn(promised: Promised, refusal: Refusal, cost: _Cost, now: datetime) -> tuple[Promised, float]:
    """Give a turn behind those promised; returns seconds, never fewer than the refusal says anyway."""
    promised, turn = give_turn(
        promised,
        cost=cost.amount,
        parts=cost.parts,
        per_ms=cost.per_s / 1_000,
        alone_ms=(refusal.retry_after or 0.0) * 1_000,
        now_ms=now.timestamp() * 1_000,
        longest_ms=cost.longest_ms,
    )
    return promised, random.uniform(turn.earliest_ms, turn.latest_ms) / 1_000  # noqa: S311 - It spreads clients.
