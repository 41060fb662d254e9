"""`report_subscriptions`: who gets which reports regularly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.report_tables import report_subscriptions
from reporting.reports.archive import Paper
from reporting.reports.model import Kind, Scope
from reporting.reports.schedule import Rhythm
from reporting.reports.subscriptions import Subscription

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

_TABLE = report_subscriptions
_HOLDS = _TABLE.c.removed_at.is_(None)


def add(connection: Connection, subscription: Subscription) -> None:
    connection.execute(insert(_TABLE).values(**_values(subscription)))


def all_of_them(connection: Connection, *, limit: int) -> list[Subscription]:
    """Return those that hold, the last to be made first."""
    order = (_TABLE.c.created_at.desc(), _TABLE.c.subscription_id)
    query = select(_TABLE).where(_HOLDS).order_by(*order).limit(limit)
    return [_subscription(row) for row in connection.execute(query)]


def find(connection: Connection, subscription_id: str, *, lock: bool = False) -> Subscription | None:
    query = select(_TABLE).where(_TABLE.c.subscription_id == subscription_id, _HOLDS)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _subscription(row)


def remove(connection: Connection, subscription_id: str, now: datetime) -> bool:
    """End a subscription, of which nobody's address is kept; False when there is none."""
    statement = update(_TABLE).where(_TABLE.c.subscription_id == subscription_id, _HOLDS)
    return connection.execute(statement.values(removed_at=now, audience=[])).rowcount == 1


def change(connection: Connection, subscription: Subscription) -> None:
    """Write a subscription over itself; who made it and when stays."""
    statement = update(_TABLE).where(_TABLE.c.subscription_id == subscription.subscription_id)
    connection.execute(statement.values(**_values(subscription)))


def set_audience(connection: Connection, subscription_id: str, audience: Sequence[str]) -> None:
    statement = update(_TABLE).where(_TABLE.c.subscription_id == subscription_id)
    connection.execute(statement.values(audience=list(audience)))


def audience(connection: Connection, kind: Kind, scope: Scope) -> tuple[str, ...]:
    """Return everybody who gets reports of this kind and scope, each once."""
    query = (
        select(_TABLE.c.audience)
        .where(
            _HOLDS,
            _TABLE.c.kind == kind,
            _TABLE.c.service.is_not_distinct_from(scope.service),
            _TABLE.c.account_id.is_not_distinct_from(scope.account_id),
            _TABLE.c.tier.is_not_distinct_from(scope.tier),
        )
        .order_by(_TABLE.c.created_at, _TABLE.c.subscription_id)
    )
    return tuple(dict.fromkeys(address for addresses in connection.scalars(query) for address in addresses))


def take_due(connection: Connection, now: datetime, *, limit: int) -> list[Subscription]:
    """Return subscriptions with a report that is due, and hold others off them until the transaction ends."""
    query = (
        select(_TABLE)
        .where(_HOLDS, _TABLE.c.due_at <= now)
        .order_by(_TABLE.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_subscription(row) for row in connection.execute(query)]


def move_on(connection: Connection, subscription_id: str, *, next_period: str, due_at: datetime) -> None:
    statement = update(_TABLE).where(_TABLE.c.subscription_id == subscription_id)
    connection.execute(statement.values(next_period=next_period, due_at=due_at))


def _values(subscription: Subscription) -> dict[str, Any]:
    rhythm = subscription.rhythm
    return {
        "subscription_id": subscription.subscription_id,
        "kind": rhythm.kind,
        "service": rhythm.scope.service,
        "account_id": rhythm.scope.account_id,
        "tier": rhythm.scope.tier,
        "audience": list(subscription.audience),
        "timezone": rhythm.timezone,
        "hour": rhythm.hour,
        "paper": subscription.paper,
        "author": subscription.author,
        "created_at": subscription.created_at,
        "next_period": subscription.next_period,
        "due_at": subscription.due_at,
    }


def _subscription(row: Row[Any]) -> Subscription:
    scope = Scope(service=row.service, account_id=row.account_id, tier=row.tier)
    return Subscription(
        subscription_id=row.subscription_id,
        rhythm=Rhythm(kind=Kind(row.kind), timezone=row.timezone, hour=row.hour, scope=scope),
        audience=tuple(row.audience),
        paper=Paper(row.paper),
        author=row.author,
        created_at=row.created_at,
        next_period=row.next_period,
        due_at=row.due_at,
    )
