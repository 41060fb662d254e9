"""Puts the erasure of accounts together: the tables of everybody, and what features do themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.erasure.eraser import SETTLES, Eraser
from app.core.erasure.erasure_tasks import register_erasure_tasks
from app.core.erasure.positions import CountingPositions
from app.core.erasure.record import EraseFromRecord
from app.core.erasure.valkey_sweep import ValkeySweep
from app.core.valkey import Valkey
from reporting.erasure.report_files import EraseFromReports
from reporting.erasure.slos import EraseSLOs

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.queue.stream_huey import StreamHuey
    from app.core.settings import Settings
    from reporting.reports.archive import Render


def register_erasures(
    settings: Settings,
    huey: StreamHuey,
    database: Database,
    valkey: Valkey,
    *,
    mirror: AccountMirror,
    render: Render,
) -> Callable[[], object]:
    """Register the tasks, and return what puts one into the queue now."""
    cache = valkey
    if settings.cache != settings.redis_url:
        cache = Valkey(settings.cache, timeout_s=settings.valkey_timeout_ms / 1_000)
    return register_erasure_tasks(huey, make_eraser(database, mirror, ValkeySweep(valkey, cache, huey), render))


def make_eraser(
    database: Database, mirror: AccountMirror, valkey: ValkeySweep, render: Render, *, settles: timedelta = SETTLES
) -> Eraser:
    """Put what erases together."""
    return Eraser(
        database,
        mirror,
        valkey,
        first=[EraseSLOs(database)],
        last=[CountingPositions(database), EraseFromRecord(database), EraseFromReports(database, render)],
        settles=settles,
    )
