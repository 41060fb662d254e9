"""Puts the intake of other services' telemetry together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.pools import TELEMETRY_INTAKE_CONNECTIONS
from app.named_routes import NamedRoutes
from ingestion.admission.scripts import Scripts
from ingestion.telemetry.intake import Intake
from ingestion.telemetry.rate import TelemetryRate
from ingestion.telemetry.services import Services

if TYPE_CHECKING:
    from app.connection_pools import ConnectionPools
    from app.core.shard_directory import ShardDirectory
    from app.core.valkey import Valkey
    from reporting.catalogue.catalogue import Catalogue


def compose_intake(pools: ConnectionPools, valkey: Valkey, shards: ShardDirectory, catalogue: Catalogue) -> Intake:
    """Build it for one API process. Nothing is contacted before the first request."""
    return Intake(
        pools.open("telemetry intake", size=TELEMETRY_INTAKE_CONNECTIONS),
        Services(NamedRoutes(catalogue.in_force)),
        TelemetryRate(Scripts(valkey), shards),
    )
