"""What the API and the workers need, as checks of their readiness.

The API takes events in without PostgreSQL, so it stays ready while PostgreSQL is away, and says that it is degraded: taken
out of service it would refuse what it could accept. A worker needs both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.findings import broken_promises
from app.core.health import Check, CheckState
from app.core.queue_checks import check_queue
from app.core.schema_store import current_revision

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey


def dependency_checks(
    database: Database, valkey: Valkey, *, revision: str | None, needs_postgresql: bool
) -> tuple[Check, ...]:
    """Return the checks of a process whose code expects the schema at a revision."""

    def ask_valkey() -> None:
        try:
            valkey.ping()
        finally:
            valkey.forget()

    def ask_for_queue_settings() -> str | None:
        try:
            return " ".join(broken_promises(check_queue(valkey))) or None
        finally:
            valkey.forget()

    def ask_for_revision() -> str | None:
        with database.begin() as connection:
            found = current_revision(connection)
        # A newer schema is one that this release still works with: the other processes are being replaced.
        if (found or "") >= (revision or ""):
            return None
        return f"The schema is at {found or 'nothing'} and must be at {revision}: run `slipstream migrate`."

    return (
        Check(name="valkey", run=ask_valkey),
        Check(name="queue-settings", run=ask_for_queue_settings, without_answer=CheckState.UNKNOWN),
        Check(name="postgresql", run=database.ping, required=needs_postgresql),
        Check(name="migrations", run=ask_for_revision, without_answer=CheckState.UNKNOWN),
    )
