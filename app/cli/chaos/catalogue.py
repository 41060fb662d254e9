"""Every fault by its name, with the rows of the catalogue of faults that it is, and what no fault here is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.chaos.api_faults import FrozenApi, RollingRestart
from app.cli.chaos.database_faults import Deadlocks, EndedSessions, FailingSync, QuitPostgres
from app.cli.chaos.detour import Way
from app.cli.chaos.disk_faults import FullDisk
from app.cli.chaos.faults import Away, Full, Kill, KillAt, KillChild, KillChildAt
from app.cli.chaos.frozen_worker import FrozenWorker
from app.cli.chaos.hangs import BadNetwork, Frozen, LockedTables, NoConnections, SlowInserts
from app.cli.chaos.twins import Twins
from app.cli.chaos.worker_faults import REPORT_FAILPOINTS, KilledReport, PoisonEvents
from app.core.failpoints import allow_hits
from app.platform import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from app.cli.chaos.scene import Fault

ENGINES = (Role.POSTGRESQL, Role.VALKEY)
API_FAILPOINTS = ("ingest.admitted",)
WORKER_FAILPOINTS = (
    "store.before_insert",
    "store.before_commit",
    "store.after_commit",
    "queue.before_run",
    "queue.before_ack",
    "queue.schedule_mover",
)


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Entry:
    """A fault. kills: ends processes of Slipstream, which begin a life anew. small_disk: needs one, on a platform of its own.

    missing: says what it needs and is not here.
    """

    fault: Fault
    kills: bool = False
    small_disk: bool = False
    missing: Callable[[], str | None] = _nothing

    @property
    def heals(self) -> bool:
        """Whether the platform itself brings back what was ended, rather than an operator."""
        return self.kills and not isinstance(self.fault, Away)


FAULTS: Mapping[str, Entry] = {
    "kill-worker": Entry(Kill(Role.WORKER), kills=True),
    "kill-api": Entry(Kill(Role.API), kills=True),
    "kill-api-child": Entry(KillChild(), kills=True),
    **{f"api-killed-at-{name}": Entry(KillChildAt(name), kills=True) for name in API_FAILPOINTS},
    "kill-valkey": Entry(Kill(Role.VALKEY), kills=True),
    "kill-postgresql": Entry(Kill(Role.POSTGRESQL), kills=True),
    "quit-postgresql": Entry(QuitPostgres(), kills=True),
    **{f"kill-at-{name}": Entry(KillAt(name), kills=True) for name in WORKER_FAILPOINTS},
    "report-killed": Entry(KilledReport(), kills=True),
    "api-restarted": Entry(RollingRestart(), kills=True),
    "api-frozen": Entry(FrozenApi(seconds=5.0)),
    "worker-frozen": Entry(FrozenWorker(seconds=20.0)),
    "postgresql-away": Entry(Away(Role.POSTGRESQL, seconds=20.0), kills=True),
    "valkey-away": Entry(Away(Role.VALKEY, seconds=5.0, noticed_as=("503 dependency-unavailable",)), kills=True),
    "valkey-full": Entry(Full(seconds=3.0)),
    "postgresql-frozen": Entry(Frozen(Role.POSTGRESQL, seconds=30.0)),
    "valkey-frozen": Entry(Frozen(Role.VALKEY, seconds=30.0)),
    "tables-locked": Entry(LockedTables(seconds=10.0)),
    "inserts-slow": Entry(SlowInserts(seconds=10.0)),
    "sessions-ended": Entry(EndedSessions(seconds=8.0)),
    "connections-exhausted": Entry(NoConnections(seconds=5.0)),
    "deadlocks": Entry(Deadlocks(seconds=8.0)),
    "fsync-fails": Entry(FailingSync(), missing=FailingSync.missing),
    "disk-full": Entry(FullDisk(seconds=10.0), small_disk=True, missing=FullDisk.missing),
    "poison-events": Entry(PoisonEvents()),
    "twins": Entry(Twins()),
    **{f"network-{role}-{way}": Entry(BadNetwork(role, way, seconds=5.0)) for role in ENGINES for way in Way},
}


def failpoints_armed(markers: Path) -> str:
    """The value of SLIPSTREAM_FAILPOINTS with which every failpoint is armed and none fires, until a fault lets it."""
    names = (*API_FAILPOINTS, *WORKER_FAILPOINTS, *REPORT_FAILPOINTS)
    for name in names:
        allow_hits(markers / name, 0)
    return ",".join(f"{name}=kill@{markers / name}" for name in names)
