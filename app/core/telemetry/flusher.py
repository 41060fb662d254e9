"""Takes what the recorder counted to PostgreSQL, once a second, on a thread of its own.

While PostgreSQL is away nothing is lost: rows wait in the ledger, bounded, and the next flush tries again. What cannot be
stored when the process ends is left as a file for whoever comes next. Killed (SIGKILL), a process takes with it what it
counted since its last flush; how much that was is known, and logged by whoever finds its counters.
"""

from __future__ import annotations

import multiprocessing.util
import threading
import time
from typing import TYPE_CHECKING, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import DependencyError
from app.core.telemetry.dead_processes import collect_dead
from app.core.telemetry.spool import write_spool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from app.core.telemetry.ledger import Ledger, Observation
    from app.core.telemetry.recorder import FailedRequest, Recorder
    from app.core.telemetry.telemetry_store import TelemetryStore

_FAILURES_KEPT = 5_000
"""Single failures that wait while PostgreSQL is away."""
_COLLECT_EVERY = 5
"""Flushes between two looks for processes that died."""

_log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Hears what was counted, each request once, and how many got lost since the last time."""

    def counted(self, observations: Mapping[Observation, int], *, in_flight: int, lost: int) -> None: ...


class Flusher:
    """The way of a process's counts to PostgreSQL; a listener hears them first."""

    def __init__(
        self,
        recorder: Recorder,
        ledger: Ledger,
        store: TelemetryStore,
        *,
        writer: str,
        directory: Path | None = None,
        spool: Path | None = None,
        listener: Listener | None = None,
        interval_s: float = 1.0,
        last_flush_s: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._recorder = recorder
        self._ledger = ledger
        self._store = store
        self._writer = writer
        self._directory = directory
        self._spool = spool
        self._listener = listener
        self._interval_s = interval_s
        self._last_flush_s = last_flush_s
        self._clock = clock
        self._failures: list[FailedRequest] = []
        self._counted = 0
        self._stored = 0
        self._lost = 0
        self._flushes = 0
        self._away = False
        self._flushing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry-flusher", daemon=True)

    def start(self) -> None:
        """Begin to flush; the process's end, also by SIGTERM, flushes once more."""
        self._thread.start()
        # Runs at the end of a process that a server forked as well, where `atexit` does not.
        multiprocessing.util.Finalize(None, self.close, exitpriority=10)

    def close(self) -> None:
        """Flush what is left, or leave it as a file; a second call does nothing. Takes a few seconds at most."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread.ident is None:
            self.flush()
        else:
            self._thread.join(self._last_flush_s)
        if self._thread.is_alive():
            # PostgreSQL does not answer, so the thread stands still; what has come since is left as well.
            self._take()
        rows = self._ledger.unwritten()
        if rows and self._spool is not None:
            write_spool(self._spool, rows)
        self._recorder.close(stored=self._stored)

    def flush(self) -> bool:
        """Store everything counted so far, and return whether that is done. Never raises."""
        with self._flushing:
            try:
                self._take()
                self._store_rows()
                self._store_failures()
            except (DependencyError, SQLAlchemyError) as error:
                self._note(error)
            except Exception:  # noqa: BLE001 - The thread must live: without it nothing is counted any more.
                _log.exception("telemetry_flush_failed")
            else:
                self._note(None)
                return True
            finally:
                self._recorder.seen(self._stored)
            return False

    def _take(self) -> None:
        taken = self._recorder.take()
        self._ledger.add(taken.observations)
        self._counted += sum(taken.observations.values())
        self._failures = [*self._failures, *taken.failures][-_FAILURES_KEPT:]
        if self._listener is not None:
            lost = self._recorder.errors + self._ledger.overflowed
            self._listener.counted(taken.observations, in_flight=taken.in_flight, lost=lost - self._lost)
            self._lost = lost

    def _store_rows(self) -> None:
        rows = self._ledger.unwritten()
        refused = self._store.write_rows(self._writer, rows)
        self._ledger.written(rows)
        self._stored = self._counted
        if refused:
            _log.error("telemetry_rows_refused", rows=refused)
        # The minute before stays open for requests that are counted while this runs.
        self._ledger.close_minutes(int(self._clock()) // 60 - 1)

    def _store_failures(self) -> None:
        self._store.write_failures(self._writer, self._failures)
        self._failures = []

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            if self.flush() and self._directory is not None and self._flushes % _COLLECT_EVERY == 0:
                self._collect(self._directory)
            self._flushes += 1
        self.flush()

    def _collect(self, directory: Path) -> None:
        try:
            collect_dead(directory, self._store)
        except (DependencyError, SQLAlchemyError, OSError) as error:
            _log.warning("telemetry_collection_failed", error=str(error))

    def _note(self, error: Exception | None) -> None:
        """Log the beginning and the end of an outage, not each second of it."""
        if error is not None and not self._away:
            _log.warning("telemetry_waits", error=str(error))
        elif error is None and self._away:
            _log.info("telemetry_flows_again")
        self._away = error is not None
