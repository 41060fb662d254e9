"""Accounts in PostgreSQL. Whoever changes an account, or anything that is mirrored with it, moves its `updated_at` forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import convert, to_builtins
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.accounts import Account, forward
from app.core.tables import accounts, api_keys
from app.core.tiers import Overrides

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Row


def find(connection: Connection, account_id: str, *, lock: bool = False) -> Account | None:
    """Return an account; `lock` holds others off changing it, or its keys, until the end of the transaction."""
    query = select(accounts).where(accounts.c.account_id == account_id)
    if lock:
        query = query.with_for_update(key_share=True)
    row = connection.execute(query).one_or_none()
    return None if row is None else _account(row)


def page(connection: Connection, *, after: str, limit: int) -> list[Account]:
    """Return the accounts whose ids come after `after`, in the order of their ids."""
    query = select(accounts).where(accounts.c.account_id > after).order_by(accounts.c.account_id).limit(limit)
    return [_account(row) for row in connection.execute(query)]


def insert_new(connection: Connection, account: Account) -> bool:
    """Write a new account; False when its id is taken."""
    statement = insert(accounts).values(
        account_id=account.account_id, created_at=account.created_at, **_changeable(account)
    )
    written = connection.execute(statement.on_conflict_do_nothing().returning(accounts.c.account_id))
    return written.one_or_none() is not None


def save(connection: Connection, account: Account) -> None:
    """Write what can change of an account that the caller has locked."""
    statement = update(accounts).where(accounts.c.account_id == account.account_id)
    connection.execute(statement.values(**_changeable(account)))


def advance(connection: Connection, account_id: str, now: datetime, *, beyond: datetime | None = None) -> bool:
    """Lock an account and move its `updated_at` forward, also past `beyond`; False when there is none."""
    account = find(connection, account_id, lock=True)
    if account is None:
        return False
    past = [account.updated_at] if beyond is None else [account.updated_at, beyond]
    statement = update(accounts).where(accounts.c.account_id == account_id)
    connection.execute(statement.values(updated_at=forward(now, *past)))
    return True


def advance_tier(connection: Connection, tier: str, now: datetime) -> list[str]:
    """Move every account of a tier forward, and return their ids; the caller has locked the tier."""
    query = select(accounts.c.account_id, accounts.c.updated_at).where(accounts.c.tier == tier)
    locked = connection.execute(query.order_by(accounts.c.account_id).with_for_update(key_share=True)).all()
    if locked:
        instant = forward(now, *(row.updated_at for row in locked))
        connection.execute(update(accounts).where(accounts.c.tier == tier).values(updated_at=instant))
    return [row.account_id for row in locked]


def remove(connection: Connection, account_id: str) -> int:
    """Delete an account that the caller has locked, and its keys; return how many keys."""
    keys = connection.execute(delete(api_keys).where(api_keys.c.account_id == account_id)).rowcount
    connection.execute(delete(accounts).where(accounts.c.account_id == account_id))
    return keys


def _changeable(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "tier": account.tier,
        "overrides": to_builtins(account.overrides),
        "shard": account.named_shard,
        "ordered": account.ordered,
        "updated_at": account.updated_at,
    }


def _account(row: Row[Any]) -> Account:
    return Account(
        account_id=row.account_id,
        name=row.name,
        tier=row.tier,
        overrides=convert(row.overrides, Overrides),
        named_shard=row.shard,
        ordered=row.ordered,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
