"""Answers to the Idempotency-Keys of telemetry, in the transaction that adds it; in one table with those of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects.postgresql import insert

from app.core.tables import idempotency_keys

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def keep(
    connection: Connection,
    account_id: str,
    key_digest: bytes,
    *,
    body_digest: bytes,
    service: str,
    records: int,
    now: datetime,
    since: datetime,
) -> bool:
    """Keep what a key is answered with; False if it was used since then, also when that is being committed just now."""
    values = {
        "body_digest": body_digest,
        "batch_id": f"telemetry of {service}",
        "accepted": records,
        "received_at": now,
    }
    new = insert(idempotency_keys).values(account_id=account_id, key_digest=key_digest, **values)
    replaced = new.on_conflict_do_update(
        index_elements=["account_id", "key_digest"], set_=values, where=idempotency_keys.c.received_at < since
    )
    return connection.execute(replaced.returning(idempotency_keys.c.account_id)).first() is not None
