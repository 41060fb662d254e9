"""How many events accounts have stored, from their day rollups: what it reads grows with days, not with events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

# An account at a time by the primary key, so that no minute's row is ever touched.
_PAGE = text("""
    SELECT page.account_id, stored.events >= :threshold AS large
      FROM (SELECT account_id FROM accounts WHERE account_id > :after ORDER BY account_id LIMIT :accounts) AS page
     CROSS JOIN LATERAL (
            SELECT COALESCE(sum(events), 0) AS events
              FROM event_rollups
             WHERE event_rollups.account_id = page.account_id AND width = 1440
           ) AS stored
     ORDER BY page.account_id
""")


def page(connection: Connection, *, after: str, accounts: int, threshold: int) -> list[tuple[str, bool]]:
    """Return the next accounts by id, each with whether it has so many events stored."""
    rows = connection.execute(_PAGE, {"after": after, "accounts": accounts, "threshold": threshold})
    return [(row.account_id, row.large) for row in rows]
