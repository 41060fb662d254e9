"""Puts SLOs together: definitions, maintenance, and what they are measured by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from app.core.accepted_minutes import AcceptedMinutes
from app.core.counting.backfill import Backfill
from app.core.database import Database
from app.core.notify.routes import routes_of
from app.core.pools import SLO_CONNECTIONS
from app.core.queue.stats import read_stats
from app.named_routes import shipped_text
from reporting.catalogue.catalogue import Catalogue
from reporting.definitions.installation import UNKNOWN, Installation
from reporting.evaluation.books import Books
from reporting.evaluation.evaluator import Evaluator
from reporting.evaluation.readings import Readings
from reporting.maintenance.maintenance import MaintenanceCalendar
from reporting.reports.figures.compiler import Compiler
from reporting.reports.figures.completeness import Waiting
from reporting.slo_accounts import SLOAccounts
from reporting.slo_history import SLOHistory
from reporting.slo_service import SLOs

if TYPE_CHECKING:
    from app.core.settings import Settings
    from app.core.valkey import Valkey


@dataclass(frozen=True, slots=True)
class SLOParts:
    """What edges and other features need of it."""

    catalogue: Catalogue
    maintenance: MaintenanceCalendar
    evaluator: Evaluator
    slos: SLOs
    history: SLOHistory
    accounts: SLOAccounts
    read: Readings
    compiler: Compiler


def compose_slos(database: Database, valkey: Valkey, *, here: Installation = UNKNOWN) -> SLOParts:
    """Build it on a pool of `SLO_CONNECTIONS` or more. Nothing is contacted before the first use.

    `here` is what the settings say of definitions, for whoever applies them.
    """
    catalogue, maintenance = Catalogue(database, here=here), MaintenanceCalendar(database)
    accepted = AcceptedMinutes(database, valkey)
    books = Books(accepted)
    evaluator = Evaluator(database, catalogue, maintenance, books)
    return SLOParts(
        catalogue,
        maintenance,
        evaluator,
        SLOs(catalogue, evaluator, Backfill(database)),
        SLOHistory(database, books),
        SLOAccounts(database),
        Readings(catalogue, evaluator),
        Compiler(database, catalogue, maintenance, accepted, partial(_waiting, valkey)),
    )


def installation_of(settings: Settings) -> Installation:
    """Return what these settings say of definitions."""
    return Installation(routes_of(settings).names, timedelta(days=settings.minute_retention_days))


def _waiting(valkey: Valkey) -> Waiting:
    """Return what the queue holds of accepted events."""
    lanes = read_stats(valkey).lanes
    oldest_ms = max((lane.oldest_age_ms for lane in lanes if lane.entries), default=None)
    oldest = None if oldest_ms is None else datetime.now(UTC) - timedelta(milliseconds=oldest_ms)
    return Waiting(sum(lane.events for lane in lanes), oldest)


def apply_shipped(database_url: str, now: datetime) -> list[str]:
    """Apply the SLOs as shipped that were never there, and return their names. Raises `DependencyError`."""
    database = Database(database_url, pool_size=SLO_CONNECTIONS, name="slipstream migrate")
    try:
        return Catalogue(database).apply_shipped(shipped_text(), now=now)
    finally:
        database.close()
