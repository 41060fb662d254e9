"""The ceiling: rows of the same shape into the same table by one binary COPY, the fastest way into PostgreSQL there is."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

POSTGRESQL_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
COLUMNS = 7
NULL = struct.pack("!i", -1)
JSONB_VERSION = b"\x01"
CHUNK_BYTES = 1_000_000


def binary_rows(events: Iterable[dict[str, Any]], accounts: Sequence[str], *, received_at: datetime) -> list[bytes]:
    """Rows of `events` as COPY reads them, in chunks, each event for the next account in turn."""
    received = _field(struct.pack("!q", _microseconds(received_at)))
    chunks, rows, size = [], [HEADER], 0
    for number, event in enumerate(events):
        occurred = datetime.fromisoformat(event["timestamp"])
        payload = json.dumps(event["payload"], separators=(",", ":"), ensure_ascii=False).encode()
        row = b"".join(
            (
                struct.pack("!h", COLUMNS),
                _field(accounts[number % len(accounts)].encode()),
                _field(event["event_id"].encode()),
                _field(event["type"].encode()),
                _field(struct.pack("!q", _microseconds(occurred))),
                received,
                _field(JSONB_VERSION + payload),
                NULL,
            )
        )
        rows.append(row)
        size += len(row)
        if size >= CHUNK_BYTES:
            chunks.append(b"".join(rows))
            rows, size = [], 0
    return [*chunks, b"".join((*rows, TRAILER))]


def copy(connection: psycopg.Connection, chunks: Iterable[bytes]) -> int:
    """COPY the rows in one transaction; returns how many there were."""
    with connection.transaction(), connection.cursor() as cursor:
        with cursor.copy(
            "COPY events (account_id, event_id, type, occurred_at, received_at, payload, envelope)"
            " FROM STDIN (FORMAT BINARY)"
        ) as copying:
            for chunk in chunks:
                copying.write(chunk)
        return cursor.rowcount


def checkpoint(superuser_url: str) -> None:
    """Begin with a checkpoint, so that what is measured next pays for its own page images and for no earlier ones."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _field(value: bytes) -> bytes:
    return struct.pack("!i", len(value)) + value


def _microseconds(moment: datetime) -> int:
    return round((moment - POSTGRESQL_EPOCH).total_seconds() * 1_000_000)


def stored_events(connection: psycopg.Connection) -> int:
    """Events that outcomes of batches call stored."""
    row = connection.execute("SELECT COALESCE(sum(stored), 0) FROM batch_outcomes").fetchone()
    return int(row[0]) if row else 0
