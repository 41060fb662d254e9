"""Where backfills of counting rules stand, which is at an event of some account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.counting import counting_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.database import Database
    from app.core.erasure.erasure import Erasure


class CountingPositions:
    """Forgets that a backfill has ended at the account. One that still stands there moves on by itself, and is waited for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, erasure: Erasure, now: datetime) -> Iterator[dict[str, int]]:  # noqa: ARG002 - See `Own`.
        account_id = erasure.names.names[0]
        with self._database.begin() as connection:
            there = [rule for rule in counting_store.rules(connection) if rule.position_account == account_id]
            if there:
                counting_store.hold_alone(connection)
                counting_store.forget_positions(connection, account_id)
        yield {"counting_rules": len(there)}
