"""The mirror of accounts in Valkey: what admission and authentication must know, beside the queue they use anyway.

PostgreSQL is the truth and is always written first. A mirror may be missing, and is restored by whoever misses it; it is
never half-written, and never goes back to what a slow writer read before a newer one: see `mirror.lua`.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from app.core import deadline, keyspace, mirror_store
from app.core.errors import DependencyTimeoutError, OverloadedError

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.mirror_store import Snapshot
    from app.core.valkey import Valkey

REMEMBER_REMOVAL_S = 3_600
"""For how long a removed mirror keeps slow writers out; far longer than any deadline lets one live."""
_PAGE = 200
"""Accounts that are read and written at a time."""
_RESTORES_AT_ONCE = 2
"""Connections that restores may take from a process's pool: strangers cause them by asking for accounts that are not."""
_RESTORE_PATIENCE_S = 1.0


class AccountMirror:
    """Writes mirrors. Thread-safe; one a process.

    Every method raises `DependencyError` when PostgreSQL or Valkey does not do its part; it may then be repeated.
    """

    def __init__(self, database: Database, valkey: Valkey) -> None:
        self._database = database
        self._valkey = valkey
        self._script = valkey.script(files("app.core").joinpath("mirror.lua").read_text())
        self._running: dict[str, Future[bool]] = {}
        self._running_guard = threading.Lock()
        self._places = threading.BoundedSemaphore(_RESTORES_AT_ONCE)

    def write(self, *account_ids: str) -> dict[str, int]:
        """Bring the mirrors of accounts to what PostgreSQL says.

        Answers, for each account that exists, 0 or the newer revision that was there and stays.
        """
        answers: dict[str, int] = {}
        for start in range(0, len(account_ids), _PAGE):
            with self._database.begin() as connection:
                found = mirror_store.snapshots(connection, account_ids[start : start + _PAGE])
            answers |= self._put(found)
        return answers

    def introduce(self, account_id: str, shard: int) -> None:
        """Say of a new account that it has used nothing of its quotas; of others that is looked up when it is missed."""
        self._valkey.execute("HSETNX", keyspace.limits(shard, account_id), "month", "")

    def restore(self, account_id: str) -> bool:
        """Write the mirror that a reader missed; False when there is no such account.

        Once for all who miss the same account at the same time, and for few accounts at a time.
        """
        with self._running_guard:
            running = self._running.get(account_id)
            if running is None:
                mine = self._running[account_id] = Future()
        if running is not None:
            return _outcome_of(running)
        try:
            exists = self._restore(account_id)
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(exists)
            return exists
        finally:
            with self._running_guard:
                del self._running[account_id]

    def remove(self, account_id: str, shard: int, revision: int) -> None:
        """Remove the mirror that an account, as of a revision, no longer has on a shard, with what it has used there."""
        newer = self._script(_keys(shard, account_id), [revision, REMEMBER_REMOVAL_S, 0])
        if not newer:
            # Nothing is admitted there any more. Kept, it would be taken for the truth if the account ever came back.
            self._valkey.execute("DEL", keyspace.limits(shard, account_id), keyspace.circuit(shard, account_id))

    def _restore(self, account_id: str) -> bool:
        if not self._places.acquire(timeout=deadline.left(_RESTORE_PATIENCE_S)):
            raise OverloadedError("postgresql", "too many accounts wait to be looked up")
        try:
            return account_id in self.write(account_id)
        finally:
            self._places.release()

    def _put(self, found: list[Snapshot]) -> dict[str, int]:
        if not found:
            return {}
        self._script.load()
        commands: list[tuple[Any, ...]] = []
        for snapshot in found:
            commands.append(self._script.command(_keys(snapshot.shard, snapshot.account_id), _arguments(snapshot)))
            commands.append(_directory_command(snapshot))
        replies = self._valkey.pipeline(commands)[::2]
        return {snapshot.account_id: reply for snapshot, reply in zip(found, replies, strict=True)}


def _outcome_of(running: Future[bool]) -> bool:
    try:
        return running.result(timeout=deadline.left(_RESTORE_PATIENCE_S))
    except TimeoutError as error:
        raise DependencyTimeoutError("postgresql", "an account was not looked up in time") from error


def _keys(shard: int, account_id: str) -> tuple[str, str]:
    return keyspace.account_mirror(shard, account_id), keyspace.key_mirror(shard, account_id)


def _arguments(snapshot: Snapshot) -> list[str | int]:
    limits = snapshot.limits
    account: list[str | int] = [
        *("tier", snapshot.tier),
        *("lane", limits.lane.value),
        *("ordered", int(snapshot.ordered)),
        *("events_per_minute", limits.events_per_minute),
        *("events_burst", limits.events_burst),
        *("summaries_per_minute", limits.summaries_per_minute),
        *("daily_quota", "" if limits.daily_quota is None else limits.daily_quota),
        *("monthly_quota", "" if limits.monthly_quota is None else limits.monthly_quota),
    ]
    keys: list[str | int] = []
    for key in snapshot.keys:
        keys += [key.key_id, f"{key.digest.hex()} {key.expires} {','.join(key.scopes)}"]
    return [snapshot.revision, REMEMBER_REMOVAL_S, len(account), *account, *keys]


def _directory_command(snapshot: Snapshot) -> tuple[str | int, ...]:
    if snapshot.named_shard is None:
        return ("HDEL", keyspace.directory(), snapshot.account_id)
    return ("HSET", keyspace.directory(), snapshot.account_id, snapshot.named_shard)
