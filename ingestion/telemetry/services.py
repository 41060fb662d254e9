"""Adds requests to the service that they are of, in a transaction of the caller's."""

from __future__ import annotations

import time
from math import inf
from typing import TYPE_CHECKING

from app.core.erasure import erasures_store
from app.core.problems import Problem, ProblemType
from app.core.telemetry.additions_store import add_requests
from app.core.telemetry.telemetry_store import SERVICE
from ingestion.telemetry import services_store
from ingestion.telemetry.names import ACCOUNT, Known, folded, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.telemetry.ledger import Observation
    from ingestion.telemetry.names import Name

_NOTHING = Known()
_FORGOTTEN = (-inf, _NOTHING)
_MOST_REMEMBERED = 1_000
"""Services whose names this process remembers; the others cost a look into PostgreSQL for each batch."""
_REMEMBERED_S = 60.0
"""Shorter than an erasure settles: an account that is closed meanwhile is counted as one no longer when that ends."""


class Services:
    """Thread-safe; one a process. `named_routes` gives the routes of a service that SLOs name; `clock` gives seconds."""

    def __init__(
        self, named_routes: Callable[[str], Collection[str]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._named_routes = named_routes
        self._clock = clock
        self._known: dict[str, tuple[float, Known]] = {}

    def claim(self, connection: Connection, service: str, account_id: str | None, now: datetime) -> None:
        """Make sure that the account may write to the service; the first to write it owns it, the operator may always.

        Raises `Problem` (forbidden).
        """
        if service == SERVICE:
            detail = f"The service {SERVICE!r} is the platform itself, which counts its own requests."
            raise Problem(ProblemType.FORBIDDEN, detail)
        if services_store.claim(connection, service, account_id, now) != account_id and account_id is not None:
            raise Problem(ProblemType.FORBIDDEN, f"The service {service!r} belongs to another account.")

    def add(self, connection: Connection, service: str, observations: Mapping[Observation, int]) -> Known:
        """Add requests to a claimed service; tell `remember` what comes back once the transaction is committed."""
        named = frozenset(self._named_routes(service))
        known = self._remembered(service)
        names = names_of(observations, named)
        if known.unsettled(names):
            known = Known(services_store.lock_names(connection, service))
            known, added = known.with_new(_without_erased(connection, known.unsettled(names)))
            services_store.add_names(connection, service, added)
        add_requests(connection, service, folded(observations, known, named))
        return known

    def remember(self, service: str, known: Known) -> None:
        """Keep the names of a service for a minute."""
        if known is self._known.get(service, _FORGOTTEN)[1]:
            return
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[service] = (self._clock(), known)

    def _remembered(self, service: str) -> Known:
        since, known = self._known.get(service, _FORGOTTEN)
        return known if self._clock() - since < _REMEMBERED_S else _NOTHING


def _without_erased(connection: Connection, names: list[Name]) -> list[Name]:
    """Leave out accounts that were erased: who still claims to be called by one is not told apart."""
    erased = erasures_store.erased(connection, [name for kind, name in names if kind == ACCOUNT])
    return [(kind, name) for kind, name in names if kind != ACCOUNT or name not in erased]
