"""The schema that migrations build is the schema that the code believes in, down to checks and comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.core.migrate import schema_differences
from app.core.tables import EVENT_PARTITIONS, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.database import Database

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
       col_description(c.oid, a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
TABLES = """
SELECT relname, relkind, pg_get_partkeydef(oid), obj_description(oid, 'pg_class')
FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p') AND NOT relispartition
"""
CONSTRAINTS = """
SELECT CAST(CAST(conrelid AS regclass) AS text), conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = CAST(:schema AS regnamespace) AND conrelid <> 0
  AND NOT (SELECT relispartition FROM pg_class WHERE oid = conrelid)
"""
INDEXES = """
SELECT tablename, indexname, replace(indexdef, schemaname || '.', '') FROM pg_indexes
WHERE schemaname = :schema AND tablename !~ '^events_p'
"""


def describe(connection: Connection, query: str, schema: str) -> set[tuple[Any, ...]]:
    connection.execute(text("SELECT set_config('search_path', :schema, true)"), {"schema": schema})
    rows = connection.execute(text(query), {"schema": schema})
    return {row for row in map(tuple, rows) if row[0] != "alembic_version"}


def test_alembic_finds_no_difference_between_metadata_and_database(database: Database) -> None:
    with database.begin() as connection:
        assert schema_differences(connection) == []


def test_a_column_that_only_one_side_has_is_a_difference(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE accounts DROP COLUMN ordered"))
        connection.execute(text("ALTER TABLE accounts ADD COLUMN colour text"))

        found = {(operation[0], operation[3].name) for operation in schema_differences(connection)}

    assert found == {("add_column", "ordered"), ("remove_column", "colour")}


@pytest.mark.embedded
@pytest.mark.parametrize(
    "query", [TABLES, COLUMNS, CONSTRAINTS, INDEXES], ids=["tables", "columns", "constraints", "indexes"]
)
def test_the_catalogue_after_migrating_is_the_one_that_the_metadata_makes(database: Database, query: str) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE SCHEMA expected"))
        connection.execute(text("SELECT set_config('search_path', 'expected', true)"))
        metadata.create_all(connection)

        assert describe(connection, query, "public") == describe(connection, query, "expected")


def test_events_have_a_partition_for_every_remainder(database: Database) -> None:
    query = """
        SELECT relname, pg_get_expr(relpartbound, c.oid) AS bound FROM pg_class c JOIN pg_inherits ON inhrelid = c.oid
        WHERE inhparent = CAST('events' AS regclass)
    """
    with database.begin() as connection:
        partitions = {row.relname: row.bound for row in connection.execute(text(query))}

    assert partitions == {
        f"events_p{number:02d}": f"FOR VALUES WITH (modulus {EVENT_PARTITIONS}, remainder {number})"
        for number in range(EVENT_PARTITIONS)
    }


def test_the_tiers_as_shipped_are_those_of_the_contract(database: Database) -> None:
    query = """
        SELECT name, events_per_minute, events_burst, summaries_per_minute, daily_quota, monthly_quota, lane FROM tiers
    """
    with database.begin() as connection:
        tiers = {tuple(row) for row in connection.execute(text(query))}

    assert tiers == {
        ("free", 6_000, 2_000, 60, 500_000, 10_000_000, "low"),
        ("standard", 60_000, 10_000, 600, 10_000_000, 200_000_000, "normal"),
        ("enterprise", 600_000, 60_000, 6_000, None, None, "high"),
    }
