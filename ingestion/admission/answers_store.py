"""Answers to Idempotency-Keys in PostgreSQL; the store of events writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.tables import idempotency_keys

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a request with this key was answered, and SHA-256 of its body."""

    body_digest: bytes
    batch_id: str
    accepted: int


def find(connection: Connection, account_id: str, key_digest: bytes, *, since: datetime) -> StoredAnswer | None:
    """Return the answer that a key was given, unless that was before `since`."""
    table = idempotency_keys.c
    query = select(table.body_digest, table.batch_id, table.accepted).where(
        table.account_id == account_id, table.key_digest == key_digest, table.received_at >= since
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else StoredAnswer(bytes(row.body_digest), row.batch_id, row.accepted)
