"""What one account asked for lately, and what it was refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.telemetry.telemetry_store import SERVICE
from reporting.evaluation import request_store
from reporting.evaluation.request_store import Scope
from reporting.evaluation.tiles import tiles_of
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database

OVER = timedelta(days=1)
_FIRST_REFUSED = 400


@dataclass(frozen=True, slots=True)
class Refusal:
    """Requests of one kind that were not answered as asked."""

    method: str
    route: str
    status: int
    reason: str
    requests: int


@dataclass(frozen=True, slots=True)
class AccountRequests:
    """All requests of the last day, and those that were refused, the most frequent first."""

    total: int
    refused: tuple[Refusal, ...]


class RequestsOfAccounts:
    """Thread-safe. Raises `DependencyError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, account_id: str, now: datetime) -> AccountRequests:
        """Return the requests of an account to the platform."""
        end = minute_of(now) + 1
        tiles = set(tiles_of(end - OVER // timedelta(minutes=1), end))
        scope = Scope(frozenset({SERVICE}), frozenset({account_id}))
        kinds: Counter[tuple[str, str, int, str]] = Counter()
        total = 0
        with self._database.begin(snapshot=True) as connection:
            for _, row in request_store.rows(connection, scope, tiles, histograms=False):
                total += row.requests
                if row.status >= _FIRST_REFUSED:
                    kinds[row.method, row.route, row.status, row.reason] += row.requests
        return AccountRequests(total, tuple(Refusal(*kind, requests) for kind, requests in kinds.most_common()))
