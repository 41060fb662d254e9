"""Adds requests to the service that they are of, in a transaction of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.problems import Problem, ProblemType
from app.core.telemetry.additions_store import add_requests
from app.core.telemetry.telemetry_store import SERVICE
from ingestion.telemetry import services_store
from ingestion.telemetry.names import Known, folded, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.telemetry.ledger import Observation

_MOST_REMEMBERED = 1_000
"""Services whose names this process remembers; the others cost a look into PostgreSQL for each batch."""


class Services:
    """Thread-safe; one a process. `named_routes` gives the routes of a service that SLOs name."""

    def __init__(self, named_routes: Callable[[str], Collection[str]]) -> None:
        self._named_routes = named_routes
        self._known: dict[str, Known] = {}

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
        known = self._known.get(service, Known())
        names = names_of(observations, named)
        if known.unsettled(names):
            known, added = Known(services_store.lock_names(connection, service)).with_new(names)
            services_store.add_names(connection, service, added)
        add_requests(connection, service, folded(observations, known, named))
        return known

    def remember(self, service: str, known: Known) -> None:
        """Keep the names of a service, which are never taken away again."""
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[service] = known
