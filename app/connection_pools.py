"""The PostgreSQL connections of one API process: a pool for each kind of work, so that none takes another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.bulkhead import Bulkhead
    from app.core.settings import Settings

_WAITING_PER_CONNECTION = 4
_THREADS_THAT_WAIT = 1 / 16
"""Share of the API's threads that may wait for one pool, so that all of them together never stop it."""


class ConnectionPools:
    """Opens pools, and closes them all. Their sizes are counted in `app.core.pools`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: dict[str, Database] = {}

    def open(self, work: str, *, size: int, url: str | None = None) -> Database:
        """Return a pool of at most `size` connections, to the primary unless told; the first use connects."""
        settings = self._settings
        database = self._opened[work] = Database(
            url or settings.database_url,
            pool_size=size,
            statement_timeout_ms=settings.statement_timeout_ms,
            pool_timeout_s=settings.statement_timeout_ms / 1_000,
            waiting=min(_WAITING_PER_CONNECTION * size, max(1, int(settings.api_threads * _THREADS_THAT_WAIT))),
            prepared_statements=settings.prepared_statements,
            name=f"slipstream {work}",
        )
        return database

    @property
    def bulkheads(self) -> Mapping[str, Bulkhead]:
        """The bulkhead of each pool, by its work."""
        return {work: database.bulkhead for work, database in self._opened.items()}

    def close(self) -> None:
        for database in self._opened.values():
            database.close()
