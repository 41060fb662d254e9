"""Counts every request of this process, for a few microseconds each, and never at a request's cost.

The edge calls `begin` when a request's body is complete and `finish` when its answer is; the flusher takes what was
counted once a second. Whatever goes wrong here is counted and kept from the request.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.telemetry.ledger import OTHER
from app.domain.histogram import bucket_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.telemetry.in_flight import InFlight
    from app.core.telemetry.ledger import Observation

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FIRST_SERVER_ERROR = 500
_MINUTE_MS = 60_000
_LONGEST_REQUEST_ID = 128
_MOST_OBSERVATIONS = 200_000
"""Kept apart between two flushes; far more than a minute of any load, so only a flusher that hangs leads here."""


class _Names:
    """A set of names that stops growing: what comes later is `__other__`."""

    def __init__(self, limit: int) -> None:
        self._known: set[str] = set()
        self._limit = limit

    def bounded(self, name: str) -> str:
        """Return the name, or `__other__` when it is one too many."""
        if name in self._known:
            return name
        if len(self._known) >= self._limit:
            return OTHER
        self._known.add(name)
        return name


class Measure:
    """A request between `begin` and `finish`."""

    __slots__ = ("finished", "method", "route", "slot", "started_ns")

    def __init__(self, *, route: str, method: str, slot: int, started_ns: int) -> None:
        self.route = route
        self.method = method
        self.slot = slot
        self.started_ns = started_ns
        self.finished = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequest:
    """One answer of 5xx, for people who look for its cause; `number` counts up in its process."""

    number: int = 0
    at_ms: int
    request_id: str
    route: str
    method: str
    status: int
    reason: str
    account_id: str | None
    duration_us: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What was counted since the last time: requests by their properties, single failures; and what is being answered."""

    observations: dict[Observation, int]
    failures: list[FailedRequest]
    in_flight: int


class Recorder:
    """The counters of one process; thread-safe."""

    def __init__(
        self,
        in_flight: InFlight,
        *,
        max_routes: int = 500,
        failures_per_minute: int = 60,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._in_flight = in_flight
        self._clock = clock
        self._timer = timer
        self._lock = threading.Lock()
        self._observations: dict[Observation, int] = {}
        self._routes = _Names(max_routes)
        self._tiers = _Names(max_routes)
        self._reasons = _Names(max_routes)
        self._failures: list[FailedRequest] = []
        self._failures_per_minute = failures_per_minute
        self._failures_minute = 0
        self._failures_kept = 0
        self._failure_number = 0
        self._closed = False
        self.errors = 0

    def begin(self, route: str, method: str) -> Measure:
        """Begin to measure a request: `route` is its rule, as the contract writes it (`/accounts/{id}/summary`)."""
        slot = -1
        method = method if method in _METHODS else OTHER
        try:
            route = self._routes.bounded(route)
            with self._lock:
                slot = self._in_flight.begin(route, method)
        except Exception:  # noqa: BLE001 - Telemetry never costs a request its answer.
            self.errors += 1
        return Measure(route=route, method=method, slot=slot, started_ns=self._timer())

    def finish(
        self,
        measure: Measure,
        *,
        status: int,
        reason: str = "",
        account_id: str | None = None,
        tier: str | None = "",
        request_id: str = "",
    ) -> None:
        """Count the answer; a second `finish` of the same request counts nothing."""
        if measure.finished:
            return
        measure.finished = True
        duration_us = max(0, (self._timer() - measure.started_ns) // 1_000)
        try:
            at_ms = int(self._clock() * 1_000)
            reason = self._reasons.bounded(reason)
            tier = self._tiers.bounded(tier or "")
            minute = at_ms // _MINUTE_MS
            observation = (
                minute,
                account_id,
                measure.route,
                measure.method,
                tier,
                status,
                reason,
                bucket_of(duration_us),
            )
            with self._lock:
                if measure.slot >= 0:
                    self._in_flight.finish(measure.slot)
                seen = self._observations.get(observation)
                if seen is None and len(self._observations) >= _MOST_OBSERVATIONS:
                    self.errors += 1
                else:
                    self._observations[observation] = (seen or 0) + 1
            if status >= _FIRST_SERVER_ERROR and (number := self._number_of_failure(minute)):
                failure = FailedRequest(
                    number=number,
                    at_ms=at_ms,
                    request_id=_printable(request_id),
                    route=measure.route,
                    method=measure.method,
                    status=status,
                    reason=reason,
                    account_id=account_id,
                    duration_us=duration_us,
                )
                with self._lock:
                    self._failures.append(failure)
        except Exception:  # noqa: BLE001 - Telemetry never costs a request its answer.
            self.errors += 1

    def _number_of_failure(self, minute: int) -> int:
        """Return the number of a failure that is to be kept; 0 when its minute has enough of them."""
        with self._lock:
            kept = self._failures_kept if self._failures_minute == minute else 0
            if kept >= self._failures_per_minute:
                return 0
            self._failures_minute, self._failures_kept = minute, kept + 1
            self._failure_number += 1
            return self._failure_number

    def take(self) -> Taken:
        """Return what was counted since the last time, and begin anew."""
        with self._lock:
            in_flight = 0 if self._closed else self._in_flight.unfinished()
            taken = Taken(self._observations, list(self._failures), in_flight)
            self._observations = {}
            self._failures.clear()
        return taken

    def seen(self, stored: int) -> None:
        """Leave a sign of life for whoever finds this process dead; `stored` requests of it are in PostgreSQL."""
        with self._lock:
            if not self._closed:
                self._in_flight.seen(int(self._clock()), stored)

    def close(self, *, stored: int) -> None:
        """Give the counters up, when this process has answered its last request."""
        with self._lock:
            self._in_flight.seen(int(self._clock()), stored)
            self._in_flight.close()
            self._closed = True


def _printable(text: str) -> str:
    """Keep what is harmless of a text that a client may have chosen."""
    if len(text) <= _LONGEST_REQUEST_ID and text.isascii() and text.isprintable():
        return text
    return "".join(
        character for character in text[:_LONGEST_REQUEST_ID] if character.isascii() and character.isprintable()
    )
