"""The record of changes, gone through once for an account that is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.access_tables import audit_entries
from app.core.erasure import record_store, words_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.database import Database
    from app.core.erasure.erasure import Erasure
    from app.core.erasure.purge_store import Key

_SCANNED = 5_000


class EraseFromRecord:
    """Thread-safe; raises `DependencyError`. Some thousand entries are looked through a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, erasure: Erasure, now: datetime) -> Iterator[dict[str, int]]:  # noqa: ARG002 - See `Own`.
        """Yield in how many entries the account was replaced, after each transaction."""
        behind: Key | None = None
        while True:
            with self._database.begin() as connection:
                until = words_store.last_of_page(connection, audit_entries, behind, limit=_SCANNED)
                replaced = record_store.replace(connection, erasure.names, behind=behind, until=until)
            yield {"audit_entries": replaced}
            if until is None:
                return
            behind = until
