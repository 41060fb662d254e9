"""`signing_keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.alert_tables import signing_keys

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def find_key(connection: Connection, purpose: str) -> bytes | None:
    """Return the key of a purpose; None when nobody has made it yet."""
    key: bytes | None = connection.scalar(select(signing_keys.c.key).where(signing_keys.c.purpose == purpose))
    return key


def make_key(connection: Connection, purpose: str, key: bytes, now: datetime) -> bytes:
    """Make the key of a purpose, and return it; that of another who was faster is his."""
    values = {"purpose": purpose, "key": key, "created_at": now}
    connection.execute(insert(signing_keys).values(**values).on_conflict_do_nothing())
    written = find_key(connection, purpose)
    if written is None:
        raise LookupError("a key that was just written is not there")
    return written
