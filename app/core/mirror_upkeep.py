"""What a worker does from time to time so that no mirror stays wrong, whatever went wrong with it.

A change writes its mirror before it answers; when Valkey was away just then, or the process died between, `resync` repairs
it within seconds. `rebuild` starts from nothing: Valkey lost its data, somebody wrote by hand, PostgreSQL was restored from
a backup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core import accounts_store, keyspace, mirror_store
from app.core.accounts import instant_of, revision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild did: mirrors written, of those the ones that were ahead of PostgreSQL, mirrors removed."""

    written: int
    ahead: int
    removed: int


class MirrorUpkeep:
    """Repairs mirrors; safe beside every other writer, and raises `DependencyError` as they do."""

    def __init__(self, *, database: Database, valkey: Valkey, mirror: AccountMirror) -> None:
        self._database = database
        self._valkey = valkey
        self._mirror = mirror

    def resync(self, since: datetime) -> int:
        """Write the mirrors of accounts that changed since an instant, and return how many.

        Give an instant some minutes back: an account carries the clock of the machine that changed it, and a change that
        began earlier may be committed later.
        """
        return sum(len(self._mirror.write(*page)) for page in self._pages(since))

    def rebuild(self, now: datetime) -> Rebuilt:
        """Write the mirror of every account, and remove those that no account has."""
        written = ahead = 0
        for page in self._pages(None):
            answers = self._mirror.write(*page)
            written += len(answers)
            ahead += sum(self._overtake(account_id, newer, now) for account_id, newer in answers.items() if newer)
        return Rebuilt(written=written, ahead=ahead, removed=self._remove_strays(now))

    def _pages(self, changed_since: datetime | None) -> Iterator[list[str]]:
        page = [""]
        while page:
            with self._database.begin() as connection:
                page = mirror_store.page_of_ids(connection, after=page[-1], limit=_PAGE, changed_since=changed_since)
            if page:
                yield page

    def _overtake(self, account_id: str, mirrored: int, now: datetime) -> bool:
        """Get past a mirror that is newer than PostgreSQL still is, as after a restore from a backup."""
        with self._database.begin() as connection:
            account = accounts_store.find(connection, account_id, lock=True)
            if account is None or revision(account.updated_at) >= mirrored:
                # Somebody changed the account between our reading and our writing, and has written the mirror.
                return False
            accounts_store.advance(connection, account_id, now, beyond=instant_of(mirrored))
        self._mirror.write(account_id)
        return True

    def _remove_strays(self, now: datetime) -> int:
        pages = self._valkey.scan(keyspace.ACCOUNT_MIRRORS, at_once=1_000)
        return sum(self._remove_strays_among(names, now) for names in pages) + self._forget_shards()

    def _remove_strays_among(self, names: list[bytes], now: datetime) -> int:
        """Remove the mirrors that PostgreSQL, asked after they were seen, has no account for on their shard."""
        mirrored = [keyspace.of_account_mirror(name) for name in names]
        with self._database.begin() as connection:
            found = mirror_store.snapshots(connection, [account_id for _, account_id in mirrored])
        known = {snapshot.account_id: snapshot for snapshot in found}
        strays = [
            (account_id, shard)
            for shard, account_id in mirrored
            if account_id not in known or known[account_id].shard != shard
        ]
        for account_id, shard in strays:
            newest = known[account_id].revision if account_id in known else revision(now)
            self._mirror.remove(account_id, shard, newest)
        return len(strays)

    def _forget_shards(self) -> int:
        """Forget the shard of accounts whose row no longer names one."""
        mirrored = {name.decode() for name in self._valkey.execute("HKEYS", keyspace.directory())}
        with self._database.begin() as connection:
            strays = mirrored - mirror_store.named_shards(connection).keys()
        if strays:
            self._valkey.execute("HDEL", keyspace.directory(), *strays)
        return len(strays)
