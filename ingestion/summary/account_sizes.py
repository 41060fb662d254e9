"""Which accounts are large, known to each process, and looked up anew beside its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.summary import account_sizes_store

if TYPE_CHECKING:
    from app.core.database import Database

LOOK_EVERY_S = 300.0
_PAGE = 500


class AccountSizes:
    """An account is large from `threshold` stored events on. Until the first look all are small."""

    def __init__(self, database: Database, *, threshold: int) -> None:
        self._database = database
        self._threshold = threshold
        self._large: frozenset[str] = frozenset()

    def is_large(self, account_id: str) -> bool:
        return account_id in self._large

    def look(self) -> None:
        """Look at every account, a page in a transaction. Raises `DependencyError`; what was known then stays."""
        large: list[str] = []
        after = ""
        while True:
            with self._database.begin() as connection:
                rows = account_sizes_store.page(connection, after=after, accounts=_PAGE, threshold=self._threshold)
            large += [account_id for account_id, is_large in rows if is_large]
            if len(rows) < _PAGE:
                break
            after = rows[-1][0]
        self._large = frozenset(large)
