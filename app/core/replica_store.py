"""How far a primary has written its log, and how far a standby has replayed it, as bytes since the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

# What is visible has been flushed first (the doctor refuses synchronous_commit = off). A promoted standby is no standby.
_WRITTEN = text("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint")
_REPLAYED = text("""
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint END
""")


def written(primary: Connection) -> int:
    """Return the position that holds everything visible on the primary now."""
    return int(primary.execute(_WRITTEN).scalar_one())


def replayed(standby: Connection) -> int | None:
    """Return the position up to which everything is visible on the standby; None when it is none."""
    position = standby.execute(_REPLAYED).scalar_one()
    return None if position is None else int(position)
