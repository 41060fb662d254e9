"""`signing_keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.alert_tables import signing_keys

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def key_of(connection: Connection, purpose: str, otherwise: bytes, now: datetime) -> bytes:
    """Return the key of a purpose; whoever asks first makes it."""
    query = select(signing_keys.c.key).where(signing_keys.c.purpose == purpose)
    key: bytes | None = connection.scalar(query)
    if key is None:
        values = {"purpose": purpose, "key": otherwise, "created_at": now}
        connection.execute(insert(signing_keys).values(**values).on_conflict_do_nothing())
        # Another may have been faster.
        key = connection.execute(query).scalar_one()
    return key
