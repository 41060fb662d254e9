"""Puts the intake of other services' telemetry together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.pools import TELEMETRY_INTAKE_CONNECTIONS
from ingestion.admission.scripts import Scripts
from ingestion.telemetry.intake import Intake
from ingestion.telemetry.rate import TelemetryRate
from ingestion.telemetry.services import Services

if TYPE_CHECKING:
    from app.connection_pools import ConnectionPools
    from app.core.shard_directory import ShardDirectory
    from app.core.valkey import Valkey
    from app.named_routes import NamedRoutes


def compose_intake(pools: ConnectionPools, valkey: Valkey, shards: ShardDirectory, named_routes: NamedRoutes) -> Intake:
    """Build it for one API process. Nothing is contacted before the first request."""
    return Intake(
        pools.open("telemetry intake", size=TELEMETRY_INTAKE_CONNECTIONS),
        Services(named_routes),
        TelemetryRate(Scripts(valkey), shards),
    )
