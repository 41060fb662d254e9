"""How many events accounts have stored, from their day rollups: what it reads grows with days, not with events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PAGE = text("SELECT account_id FROM accounts WHERE account_id > :after ORDER BY account_id LIMIT :accounts")
# An account at a time by the primary key, so that no minute's row is ever touched.
_LARGE = text("""
    SELECT account_id FROM event_rollups WHERE account_id = ANY(:accounts) AND width = 1440
     GROUP BY account_id HAVING sum(events) >= :threshold
""")


def page(connection: Connection, *, after: str, accounts: int, threshold: int) -> list[tuple[str, bool]]:
    """Return the next accounts by id, each with whether it has so many events stored."""
    found = list(connection.scalars(_PAGE, {"after": after, "accounts": accounts}))
    large = set(connection.scalars(_LARGE, {"accounts": found, "threshold": threshold})) if found else set()
    return [(account_id, account_id in large) for account_id in found]
