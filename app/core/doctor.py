"""All examinations of an installation, one after the other, so that one that fails does not hide the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.clock_checks import check_clocks
from app.core.database import Database
from app.core.database_checks import check_database
from app.core.errors import DependencyError
from app.core.findings import Finding, State
from app.core.notify_checks import check_notifications
from app.core.queue_checks import check_queue, check_room
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.settings import Settings

_SCHEMA_TIMEOUT_MS = 30_000


def examine(settings: Settings) -> list[Finding]:
    """Examine everything that the promises rest on; what cannot be reached is a finding too."""
    database = Database(
        settings.database_url, pool_size=1, statement_timeout_ms=_SCHEMA_TIMEOUT_MS, name="slipstream doctor"
    )
    valkey = Valkey(settings.redis_url, timeout_s=settings.valkey_timeout_ms / 1_000)
    try:
        findings = [
            *_findings(lambda: check_queue(valkey)),
            *_findings(lambda: check_room(valkey, settings)),
            *_findings(lambda: check_database(database, settings)),
            *_findings(lambda: check_clocks(database, valkey)),
            *check_notifications(settings),
        ]
    finally:
        database.close()
        valkey.forget()
    # What cannot be reached was found by more than one of them, and is said once.
    return list(dict.fromkeys(findings))


def _findings(check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except DependencyError as error:
        unreachable = Finding(
            subject=error.dependency,
            name="connection",
            state=State.FAIL,
            found=error.detail,
            reason="Nothing works without it.",
            remedy="Start it, or correct its address in the settings.",
        )
        return [unreachable]
