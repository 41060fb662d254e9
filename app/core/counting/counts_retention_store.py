"""`rule_counts`, as far as they are deleted again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

# One step down the index from each rule to the next.
_COUNTED = text("""
    WITH RECURSIVE counted (rule_id) AS (
      SELECT min(rule_id) FROM rule_counts
      UNION ALL
      SELECT (SELECT min(rule_id) FROM rule_counts WHERE rule_id > counted.rule_id)
        FROM counted WHERE counted.rule_id IS NOT NULL
    )
    SELECT rule_id FROM counted WHERE rule_id IS NOT NULL
""")
# Whoever counts a late event may hold a row of it: that one is deleted another time.
_PURGE = text("""
    DELETE FROM rule_counts WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM rule_counts WHERE rule_id = :rule_id AND width = :width AND bucket < :before
         LIMIT :most FOR UPDATE SKIP LOCKED))
""")


def counted_rules(connection: Connection) -> list[str]:
    """Return the rules that have counted anything."""
    return list(connection.execute(_COUNTED).scalars())


def purge(connection: Connection, rule_id: str, width: int, before: datetime, *, most: int) -> int:
    """Delete so many counts of a rule in buckets of a width from before a time; return how many."""
    parameters = {"rule_id": rule_id, "width": width, "before": before, "most": most}
    return connection.execute(_PURGE, parameters).rowcount
