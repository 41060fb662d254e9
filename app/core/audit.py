"""The record of who changed what, when and from where. Rows are only ever added."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.core import audit_store
from app.core.audit_entry import AuditEntry
from app.core.erasure import erasures_store
from app.core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.audit_entry import Actor
    from app.core.database import Database

REFUSED = "refused"
"""Ends the action of an entry that follows a change which did not come about; the reason is in its detail."""


class Audit:
    """Thread-safe. Methods raise `DependencyError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def change(self, actor: Actor, action: str, subject: str, /, *, now: datetime, **detail: Any) -> Iterator[None]:
        """Record a change before it is made: what cannot be recorded is not done. A refusal is recorded behind it."""
        self._add(AuditEntry(at=now, actor=actor, action=action, subject=subject, detail=detail))
        try:
            yield
        except Exception as error:
            reason = error.type.slug if isinstance(error, Problem) else type(error).__name__
            self._add(
                AuditEntry(
                    at=now, actor=actor, action=f"{action}.{REFUSED}", subject=subject, detail={"reason": reason}
                )
            )
            raise

    def page(
        self, *, actor: str | None = None, subject: str | None = None, before: int | None = None, limit: int
    ) -> list[AuditEntry]:
        """Return entries, the latest first."""
        with self._database.begin() as connection:
            return audit_store.page(connection, actor=actor, subject=subject, before=before, limit=limit)

    def _add(self, entry: AuditEntry) -> None:
        """Write an entry; whatever names an erased account has the record, and what came of it, gone through once more."""
        with self._database.begin() as connection:
            audit_store.add(connection, entry)
            for account_id in sorted(erasures_store.erased(connection, entry.accounts)):
                erasures_store.open_again(connection, account_id, entry.at)
