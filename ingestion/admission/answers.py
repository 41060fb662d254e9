"""The answers to Idempotency-Keys whose batches are stored already."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from app.core import deadline
from app.core.errors import DependencyError
from ingestion.admission import answers_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from app.core.database import Database
    from ingestion.admission.answers_store import StoredAnswer

KEPT = timedelta(hours=24)
_PATIENCE_S = 1.0
"""How long a request may wait for it: the most of its deadline is for what follows, without which it is worth nothing."""
_LEAVE_ALONE_S = 1.0
"""How long nobody asks a database that has just failed: waiting for it would cost every request its deadline."""

log = structlog.get_logger(__name__)


class IdempotencyAnswers:
    """Looks answers up, and goes without while PostgreSQL is away: accepting events matters more.

    A repeat may then get another batch id than the first request did; its events are stored once all the same, because
    their ids are unique. `on_skipped` counts the requests that went without.
    """

    def __init__(self, database: Database, *, on_skipped: Callable[[], object]) -> None:
        self._database = database
        self._on_skipped = on_skipped
        self._ask_again_at = 0.0  # Monotonic seconds.

    def find(self, account_id: str, key_digest: str, now: datetime) -> StoredAnswer | None:
        """Return the answer that a key of the last 24 hours was given; None when there is none, or nobody to ask."""
        if time.monotonic() < self._ask_again_at:
            self._on_skipped()
            return None
        try:
            with deadline.at_most(_PATIENCE_S), self._database.begin() as connection:
                return answers_store.find(connection, account_id, bytes.fromhex(key_digest), since=now - KEPT)
        except DependencyError as error:
            self._ask_again_at = time.monotonic() + _LEAVE_ALONE_S
            self._on_skipped()
            log.warning("idempotency_lookup_skipped", dependency=error.dependency, detail=error.detail)
            return None
