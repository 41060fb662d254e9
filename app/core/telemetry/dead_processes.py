"""Counts what processes that died left behind.

A request that a dead process had begun got no answer, so it is a bad one: it is stored with status 599, which no server
sends and every rule for 5xx includes, with the reason `process-died` and without a duration. Any process that shares the
directory may do it, at any time and again: the rows carry the dead process's name and its last sign of life.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import structlog

from app.core.telemetry.in_flight import find_remains
from app.core.telemetry.ledger import Row, RowKey
from app.core.telemetry.spool import read_spool

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.telemetry.in_flight import DeadProcess, Remains, Unfinished
    from app.core.telemetry.telemetry_store import TelemetryStore

DIED_STATUS = 599
DIED_REASON = "process-died"

_log = structlog.get_logger(__name__)


def collect_dead(directory: Path, store: TelemetryStore) -> list[DeadProcess]:
    """Store what dead processes left in a run directory; return those that left something.

    Raises `DependencyError` when PostgreSQL is away: what is left stays for the next time.
    """
    collected = []
    claimed = find_remains(directory)
    try:
        while claimed:
            dead = _collect(claimed[-1], store)
            claimed.pop().discard()
            if dead is not None:
                collected.append(dead)
    finally:
        for remains in claimed:
            remains.release()
    return collected


def _collect(remains: Remains, store: TelemetryStore) -> DeadProcess | None:
    dead = remains.read()
    if dead is None:
        return None
    spooled = _spooled(remains, dead)
    rows = [*spooled, *(_bad_row(dead, unfinished) for unfinished in dead.unfinished)]
    store.write_rows(dead.writer, rows)
    if spooled:
        dead = replace(dead, uncounted=0)
    if not rows and not dead.uncounted:
        return None
    unfinished = sum(unfinished.requests for unfinished in dead.unfinished)
    _log.warning("process_died", writer=dead.writer, unfinished=unfinished, uncounted=dead.uncounted)
    return dead


def _spooled(remains: Remains, dead: DeadProcess) -> list[Row]:
    try:
        return read_spool(remains.spool) or []
    except msgspec.DecodeError as error:
        _log.error("telemetry_spool_unreadable", writer=dead.writer, error=str(error))
        return []


def _bad_row(dead: DeadProcess, unfinished: Unfinished) -> Row:
    key = RowKey(
        minute=dead.last_seen // 60,
        account_id=None,
        route=unfinished.route,
        method=unfinished.method,
        tier="",
        status=DIED_STATUS,
        reason=DIED_REASON,
    )
    return Row(key, unfinished.requests)
