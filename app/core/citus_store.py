"""Citus, where it is installed: which tables are spread, and spreading those that are not yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.schema import SetColumnComment

from app.core.distribution import FIRST, PLACEMENTS, Place
from app.core.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

_INSTALLED = text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")
_WAITING = text("""
    SELECT relname FROM pg_class
     WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind IN ('r', 'p')
       AND oid NOT IN (SELECT logicalrelid FROM pg_dist_partition)
""")
# Foreign keys between tables that are everywhere forbid several connections to a node within one transaction.
_ONE_BY_ONE = text("SELECT set_config('citus.multi_shard_modify_mode', 'sequential', true)")
_EVERYWHERE = text("SELECT create_reference_table(CAST(:name AS regclass))")
_FIRST = text("SELECT create_distributed_table(CAST(:name AS regclass), 'account_id')")
_BESIDE = text("SELECT create_distributed_table(CAST(:name AS regclass), 'account_id', colocate_with := :first)")
# What a table held is copied to the nodes, and would otherwise stay here, hidden.
_FORGET = text("SELECT truncate_local_data_after_distributing_table(CAST(:name AS regclass))")


def is_installed(connection: Connection) -> bool:
    return bool(connection.scalar(_INSTALLED))


def is_spread(connection: Connection, name: str) -> bool:
    """Say whether a table is on other nodes, where it takes fewer kinds of ALTER TABLE."""
    return is_installed(connection) and name not in set(connection.scalars(_WAITING))


def spread(connection: Connection) -> list[str]:
    """Spread every table that is not where `PLACEMENTS` wants it, with what it holds; return their names.

    In the caller's transaction, which nobody else writes beside. Nothing on a PostgreSQL without Citus.
    """
    if not is_installed(connection):
        return []
    waiting = set(connection.scalars(_WAITING))
    connection.execute(_ONE_BY_ONE)
    moved = []
    for name, placement in PLACEMENTS.items():
        if placement.place is Place.COORDINATOR or name not in waiting:
            continue
        if placement.place is Place.EVERYWHERE:
            connection.execute(_EVERYWHERE, {"name": name})
        elif name == FIRST:
            connection.execute(_FIRST, {"name": name})
        else:
            connection.execute(_BESIDE, {"name": name, "first": FIRST})
        moved.append(name)
    for name in reversed(moved):
        connection.execute(_FORGET, {"name": name})
        if PLACEMENTS[name].place is Place.EVERYWHERE:
            _comment(connection, name)
    return moved


def _comment(connection: Connection, name: str) -> None:
    """Write the columns' comments again: Citus makes a table anew when what it points to is everywhere."""
    for column in metadata.tables[name].columns:
        if column.comment is not None:
            connection.execute(SetColumnComment(column))
