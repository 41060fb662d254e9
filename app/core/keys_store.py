"""API keys in PostgreSQL. Whoever changes one has locked its account (`accounts_store.advance`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, or_, select, text, update

from app.core.keys import ApiKey, Scope
from app.core.tables import api_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Row

# Two statements: Citus does not update a table that is everywhere by what it locks in the same one.
_LOCK_FREE = text("""
    SELECT k.account_id, k.key_id FROM api_keys AS k
      JOIN unnest(CAST(:accounts AS text[]), CAST(:keys AS text[])) AS used (account_id, key_id)
        ON used.account_id = k.account_id AND used.key_id = k.key_id
     ORDER BY k.account_id, k.key_id FOR NO KEY UPDATE OF k SKIP LOCKED
""")
_RECORD_USE = text("""
    UPDATE api_keys SET last_used_at = greatest(last_used_at, used.at)
      FROM unnest(CAST(:accounts AS text[]), CAST(:keys AS text[]), CAST(:instants AS timestamptz[]))
        AS used (account_id, key_id, at)
     WHERE api_keys.account_id = used.account_id AND api_keys.key_id = used.key_id
""")


def find(connection: Connection, key_id: str) -> ApiKey | None:
    """Return the key with this id, of whichever account: ids are 62 random bits, so there is one or none."""
    row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one_or_none()
    return None if row is None else _key(row)


def of_account(connection: Connection, account_id: str) -> list[ApiKey]:
    """Return every key of an account, also ended ones, newest first."""
    query = select(api_keys).where(api_keys.c.account_id == account_id)
    rows = connection.execute(query.order_by(api_keys.c.created_at.desc(), api_keys.c.key_id))
    return [_key(row) for row in rows]


def count_usable(connection: Connection, account_id: str, now: datetime) -> int:
    """Count the keys of an account that are neither revoked nor expired."""
    query = select(func.count()).where(
        api_keys.c.account_id == account_id,
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
    )
    return connection.execute(query).scalar_one()


def insert_new(connection: Connection, key: ApiKey) -> None:
    """Write a new key."""
    connection.execute(
        insert(api_keys).values(
            account_id=key.account_id,
            key_id=key.key_id,
            digest=key.digest,
            scopes=sorted(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
        )
    )


def expire(connection: Connection, key: ApiKey, at: datetime) -> None:
    """End a key at an instant."""
    connection.execute(_one(key).values(expires_at=at))


def revoke(connection: Connection, key: ApiKey, at: datetime) -> None:
    """End a key now; the first revocation's instant stays."""
    connection.execute(_one(key).where(api_keys.c.revoked_at.is_(None)).values(revoked_at=at))


def record_use(connection: Connection, used: Mapping[tuple[str, str], datetime]) -> None:
    """Move `last_used_at` of keys, given as (account id, key id), forward.

    Rows are locked in the order of their keys, so that two processes that flush at once do not deadlock; a row that
    somebody else holds is skipped, for its next use will tell.
    """
    ordered = sorted(used)
    parameters = {"accounts": [account_id for account_id, _ in ordered], "keys": [key_id for _, key_id in ordered]}
    free = connection.execute(_LOCK_FREE, parameters).all()
    if free:
        parameters = {"accounts": [row.account_id for row in free], "keys": [row.key_id for row in free]}
        instants = [used[row.account_id, row.key_id] for row in free]
        connection.execute(_RECORD_USE, {**parameters, "instants": instants})


def _one(key: ApiKey) -> Any:
    return update(api_keys).where(api_keys.c.account_id == key.account_id, api_keys.c.key_id == key.key_id)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        account_id=row.account_id,
        key_id=row.key_id,
        digest=row.digest,
        scopes=frozenset(map(Scope, row.scopes)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
