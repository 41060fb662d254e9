"""The circuit breakers of accounts, as the edge, the workers and operators use them.

An outcome is bad when a batch is malformed, invalid or does not arrive in time, or when its events die in a worker. It is
good when a batch is admitted, which the admission script counts itself. A failure of our own (a dependency away, our own
deadline) is no outcome of the account's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from app.core import keyspace
from app.core.errors import DependencyError
from ingestion.admission.verdict import read_verdict
from ingestion.limits.circuit_breaker import State

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.shard_directory import ShardDirectory
    from ingestion.admission.scripts import Scripts
    from ingestion.admission.standing import Standing
    from ingestion.limits.circuit_breaker import Thresholds

NO_PROBE = 0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A circuit after a call. A `token` is not 0 when the caller has the probe; `wait_ms` is what is left while it is open."""

    state: State
    wait_ms: int
    token: int
    standing: Standing


class Circuits:
    """Thread-safe; one a process. Methods answer None for an account that is not mirrored, and raise `DependencyError`."""

    def __init__(self, scripts: Scripts, shards: ShardDirectory, *, thresholds: Thresholds) -> None:
        self._script = scripts.make("circuit")
        self._shards = shards
        self._thresholds = thresholds.as_tuple()

    def enter(self, account_id: str, now: datetime) -> Seen | None:
        """Ask whether a request may pass, and take the probe when one is due: before its body is looked at."""
        return self._run("enter", account_id, now, cause="waited")

    def bad(self, account_id: str, now: datetime, *, cause: str, token: int = NO_PROBE) -> Seen | None:
        """Count a bad outcome; `cause` is a slug that operators read."""
        return self._run("bad", account_id, now, cause=cause, token=token)

    def release(self, account_id: str, now: datetime, token: int) -> None:
        """Give the probe back: its request was refused for another reason, or we failed."""
        self._run("release", account_id, now, cause="released", token=token)

    def reset(self, account_id: str, now: datetime, *, by: str) -> Seen | None:
        """Close the circuit by hand, and forget what was counted. `by` is the id of the key that asks for it."""
        return self._run("reset", account_id, now, cause=f"by {by}")

    def died(self, account_id: str, now: datetime) -> None:
        """Count a batch with events that died in a worker. Never raises: what is stored is not undone for a count."""
        try:
            self.bad(account_id, now, cause="dead-events")
        except DependencyError as error:
            log.warning("dead_events_not_counted", account_id=account_id, detail=error.detail)

    def _run(self, what: str, account_id: str, now: datetime, *, cause: str, token: int = NO_PROBE) -> Seen | None:
        shard = self._shards.shard_of(account_id, now)
        keys = (
            keyspace.account_mirror(shard, account_id),
            keyspace.limits(shard, account_id),
            keyspace.circuit(shard, account_id),
            keyspace.journal(shard),
        )
        reply = self._script(keys, (what, account_id, token, cause, *self._thresholds))
        if reply[0] == b"absent":
            return None
        verdict = read_verdict(reply)
        return Seen(State(verdict.status), verdict.first, verdict.second, verdict.standing)
