"""Closing an account for good, and looking how far its erasure is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.core import accounts_store
from app.core.accounts import forward, revision
from app.core.erasure import erasures_store, purge_store
from app.core.erasure.erasure import ERASURE_ID, Erasure, digest_of
from app.core.erasure.words import tells
from app.core.errors import DependencyError
from app.core.problems import Problem, ProblemType
from app.domain.shards import ACCOUNT_ID, SHARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import NoReturn

    from sqlalchemy import Connection

    from app.core.accounts import Account
    from app.core.database import Database
    from app.core.mirror import AccountMirror

_PAGE = 1_000

log = structlog.get_logger(__name__)


def _later() -> None:
    """A worker looks every minute."""


class Erasures:
    """Use cases of erasures. All raise `DependencyError`; `begin` may then have taken effect, and is safe to repeat."""

    def __init__(self, database: Database, mirror: AccountMirror, enqueue: Callable[[], object] = _later) -> None:
        self._database = database
        self._mirror = mirror
        self._enqueue = enqueue

    def begin(self, account_id: str, *, by: str, now: datetime) -> Erasure:
        """Close an account: its keys hold nowhere any more when this returns. What it has stored goes in the background.

        Of an account that was erased before, return that, which is gone through once more: the record has its id again, and
        its keys may still hold where Valkey was away when it was closed. Raises `Problem` (not found).
        """
        if not ACCOUNT_ID.fullmatch(account_id):
            _missing(account_id)
        with self._database.begin() as connection:
            key = erasures_store.make_key(connection, now)
            account = accounts_store.find(connection, account_id, lock=True)
            if account is None:
                erasure = erasures_store.open_again(connection, account_id, now) or _missing(account_id)
                at, shards = now, range(SHARDS)
            else:
                erasure = _close(connection, account, digest_of(key, account_id), by=by, now=now)
                at, shards = forward(now, account.updated_at), range(account.shard, account.shard + 1)
        for shard in shards:
            self._mirror.remove(account_id, shard, revision(at))
        try:
            self._enqueue()
        except DependencyError as error:
            log.warning("erasure_not_enqueued", erasure_id=erasure.erasure_id, dependency=error.dependency)
        return erasure

    def get(self, erasure_id: str) -> Erasure:
        """Return an erasure. Raises `Problem` (not found)."""
        if ERASURE_ID.fullmatch(erasure_id):
            with self._database.begin() as connection:
                found = erasures_store.named(connection, erasure_id)
            if found is not None:
                return found
        raise Problem(ProblemType.NOT_FOUND, f"There is no erasure {erasure_id}.")

    def page(self, *, behind: tuple[datetime, str] | None = None, limit: int = 100) -> list[Erasure]:
        """Return erasures behind the instant and the name of one, the last to be requested first."""
        with self._database.begin() as connection:
            return erasures_store.page(connection, behind=behind, limit=limit)

    def every(self) -> list[Erasure]:
        """Return all erasures, the last to be requested first."""
        found: list[Erasure] = []
        behind = None
        while page := self.page(behind=behind, limit=_PAGE):
            found += page
            behind = (page[-1].requested_at, page[-1].erasure_id)
        return found

    def key(self, now: datetime) -> bytes:
        """Return the key of the digests, for who keeps a copy of the list."""
        with self._database.begin() as connection:
            return erasures_store.make_key(connection, now)

    def apply_again(self, key: bytes, records: Iterable[Erasure], *, by: str, now: datetime) -> list[Erasure]:
        """Take over a copy of the list, and erase the accounts again that a backup has brought back; return those.

        Raises `Problem` (conflict) when the copy is of another installation.
        """
        kept = {record.digest: record for record in records}
        with self._database.begin() as connection:
            if erasures_store.make_key(connection, now, key) != key:
                if erasures_store.page(connection, limit=1):
                    raise Problem(ProblemType.CONFLICT, "These erasures are of another installation.")
                erasures_store.replace_key(connection, key)
            erasures_store.put_missing(connection, kept.values())
        begun, page = list[Erasure](), [""]
        while page:
            with self._database.begin() as connection:
                page = [each.account_id for each in accounts_store.page(connection, after=page[-1], limit=_PAGE)]
            begun += [self.begin(each, by=by, now=now) for each in page if digest_of(key, each) in kept]
        return begun


def _close(connection: Connection, account: Account, digest: bytes, *, by: str, now: datetime) -> Erasure:
    """Remove an account that the caller has locked, and its keys, and take down what is still to be done."""
    account_id = account.account_id
    erasure = Erasure(
        digest=digest,
        account_id=account_id,
        words=(account.name,) if account.name != account_id and tells(account.name) else (),
        labels=(),
        services=tuple(purge_store.own_services(connection, account_id)),
        requested_by=by,
        requested_at=now,
        purged_at=None,
        done_at=None,
        counts={},
    )
    erasures_store.put(connection, erasure)
    keys = accounts_store.remove(connection, account_id)
    erasures_store.count(connection, erasure.digest, "accounts", 1)
    erasures_store.count(connection, erasure.digest, "api_keys", keys)
    return erasures_store.find(connection, erasure.digest) or erasure


def _missing(account_id: str) -> NoReturn:
    raise Problem(ProblemType.NOT_FOUND, f"There is no account {account_id}.")
