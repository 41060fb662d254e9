"""Puts the telemetry of one process together."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.clock import CLOCK
from app.core.telemetry.flusher import Flusher
from app.core.telemetry.in_flight import InFlight
from app.core.telemetry.ledger import Ledger
from app.core.telemetry.recorder import Recorder
from app.core.telemetry.telemetry_store import TelemetryStore

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from app.core.database import Database
    from app.core.telemetry.flusher import Listener


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What counts the requests of this process, and what stores the counts."""

    recorder: Recorder
    flusher: Flusher


def writer_id(now: datetime) -> str:
    """Name this process for good: a host, a process id on it, and when, since both come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{int(now.timestamp() * 1_000)}"


def telemetry(
    database: Database,
    *,
    directory: Path | None,
    now: datetime,
    listener: Listener | None = None,
) -> Telemetry:
    """Make the telemetry of this process, not yet started: call it in the process itself, after any fork.

    `directory` is a local one that processes of this machine share, so that each finds what another left that died.
    """
    writer = writer_id(now)
    in_flight = InFlight(directory, writer, now_s=int(CLOCK.seconds()))
    recorder = Recorder(in_flight, clock=CLOCK.seconds)
    store = TelemetryStore(database)
    flusher = Flusher(
        recorder,
        Ledger(),
        store,
        writer=writer,
        directory=directory,
        spool=in_flight.spool,
        listener=listener,
        clock=CLOCK.seconds,
    )
    return Telemetry(recorder, flusher)
