"""What a mirror holds of an account, read from PostgreSQL in one statement, hence at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec import convert
from sqlalchemy import and_, func, or_, select

from app.core.accounts import revision
from app.core.tables import accounts, api_keys, tiers
from app.core.tiers import Overrides
from app.core.tiers_store import limits_of
from app.domain.shards import shard_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection

    from app.core.tiers import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredKey:
    """A key that is let in; `expires` is in unix seconds, 0 for never."""

    key_id: str
    digest: bytes
    expires: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that is mirrored of an account; `revision` tells which of two snapshots is newer."""

    account_id: str
    revision: int
    named_shard: int | None
    tier: str
    ordered: bool
    limits: Limits
    keys: tuple[MirroredKey, ...]

    @property
    def shard(self) -> int:
        return shard_of(self.account_id, self.named_shard)


_COLUMNS = (
    accounts.c.account_id,
    accounts.c.updated_at,
    accounts.c.shard,
    accounts.c.tier,
    accounts.c.ordered,
    accounts.c.overrides,
    tiers.c.events_per_minute,
    tiers.c.events_burst,
    tiers.c.summaries_per_minute,
    tiers.c.daily_quota,
    tiers.c.monthly_quota,
    tiers.c.lane,
    api_keys.c.key_id,
    api_keys.c.digest,
    api_keys.c.scopes,
    api_keys.c.expires_at,
)


def snapshots(connection: Connection, account_ids: Collection[str]) -> list[Snapshot]:
    """Return a snapshot of each account that exists."""
    let_in = and_(
        api_keys.c.account_id == accounts.c.account_id,
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now()),
    )
    query = (
        select(*_COLUMNS)
        .join_from(accounts, tiers)
        .outerjoin(api_keys, let_in)
        .where(accounts.c.account_id.in_(account_ids))
        .order_by(accounts.c.account_id, api_keys.c.key_id)
    )
    rows = connection.execute(query).all()
    return [_snapshot(list(group)) for _, group in groupby(rows, key=attrgetter("account_id"))]


def page_of_ids(connection: Connection, *, after: str, limit: int, changed_since: datetime | None = None) -> list[str]:
    """Return ids of accounts, in their order, of all or of those changed since an instant."""
    query = select(accounts.c.account_id).where(accounts.c.account_id > after)
    if changed_since is not None:
        query = query.where(accounts.c.updated_at >= changed_since)
    return list(connection.scalars(query.order_by(accounts.c.account_id).limit(limit)))


def named_shards(connection: Connection) -> dict[str, int]:
    """Return the accounts whose row names a shard, with it."""
    query = select(accounts.c.account_id, accounts.c.shard).where(accounts.c.shard.is_not(None))
    return {row.account_id: row.shard for row in connection.execute(query)}


def _snapshot(rows: list[Any]) -> Snapshot:
    first = rows[0]
    return Snapshot(
        account_id=first.account_id,
        revision=revision(first.updated_at),
        named_shard=first.shard,
        tier=first.tier,
        ordered=first.ordered,
        limits=convert(first.overrides, Overrides).applied_to(limits_of(first)),
        keys=tuple(_mirrored_key(row) for row in rows if row.key_id is not None),
    )


def _mirrored_key(row: Any) -> MirroredKey:
    return MirroredKey(
        key_id=row.key_id,
        digest=row.digest,
        expires=0 if row.expires_at is None else int(row.expires_at.timestamp()),
        scopes=tuple(sorted(row.scopes)),
    )
