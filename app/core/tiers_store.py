"""Tiers in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.tables import tiers
from app.core.tiers import Limits, Tier
from app.domain.shards import Lane

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection, Row


def find(connection: Connection, name: str, *, lock: bool = False) -> Tier | None:
    """Return a tier; `lock` holds others off changing it until the end of the transaction."""
    query = select(tiers).where(tiers.c.name == name)
    if lock:
        query = query.with_for_update(key_share=True)
    row = connection.execute(query).one_or_none()
    return None if row is None else _tier(row)


def hold(connection: Connection, name: str) -> bool:
    """Keep a tier as it is until the end of the transaction; False when there is none.

    Whoever puts an account into a tier holds it, so that a change of the tier comes either before, and is what the account
    gets, or after, and finds the account.
    """
    query = select(tiers.c.name).where(tiers.c.name == name).with_for_update(read=True)
    return connection.execute(query).one_or_none() is not None


def every(connection: Connection) -> list[Tier]:
    """Return all tiers, smallest first."""
    rows = connection.execute(select(tiers).order_by(tiers.c.events_per_minute, tiers.c.name))
    return [_tier(row) for row in rows]


def save(connection: Connection, tier: Tier) -> None:
    """Write a tier, new or known."""
    limits = tier.limits
    values = {
        "events_per_minute": limits.events_per_minute,
        "events_burst": limits.events_burst,
        "summaries_per_minute": limits.summaries_per_minute,
        "daily_quota": limits.daily_quota,
        "monthly_quota": limits.monthly_quota,
        "lane": limits.lane.value,
        "updated_at": tier.updated_at,
    }
    statement = insert(tiers).values(name=tier.name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[tiers.c.name], set_=values))


def limits_of(row: Row[Any]) -> Limits:
    """Read limits from a row that has a tier's columns."""
    return Limits(
        events_per_minute=row.events_per_minute,
        events_burst=row.events_burst,
        summaries_per_minute=row.summaries_per_minute,
        daily_quota=row.daily_quota,
        monthly_quota=row.monthly_quota,
        lane=Lane(row.lane),
    )


def _tier(row: Row[Any]) -> Tier:
    return Tier(name=row.name, limits=limits_of(row), updated_at=row.updated_at)
