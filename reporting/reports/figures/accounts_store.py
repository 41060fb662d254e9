"""Accounts of the platform: their requests and events, and how they were treated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from app.core.arrays import BigintArray, binary_cursor, texts
from app.core.telemetry.telemetry_store import SERVICE
from reporting.evaluation import request_store
from reporting.evaluation.tiles import MINUTE
from reporting.reports.figures.requests_store import located, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from reporting.evaluation.request_store import Reach
    from reporting.reports.figures.spans import Piece

_ACCOUNTS = text("""
    SELECT account_id, name, tier FROM accounts
     WHERE (CAST(:account_id AS text) IS NULL OR account_id = :account_id)
       AND (CAST(:tier AS text) IS NULL OR tier = :tier)
     ORDER BY account_id
""")
# Names and OFFSET 0 as in `requests_store`.
_REQUESTS = """
SELECT piece.label, account.id, sum(piece.sign * part.requests)::bigint,
       coalesce(sum(piece.sign * part.requests) FILTER (WHERE part.status >= 500), 0)::bigint,
       coalesce(sum(piece.sign * part.requests) FILTER (WHERE part.status = 429), 0)::bigint,
       coalesce(sum(piece.sign * part.requests)
                FILTER (WHERE part.status = 503 AND part.reason IN ('circuit-open', 'overloaded')), 0)::bigint
  FROM unnest(%b::text[]) AS account (id)
 CROSS JOIN unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]) AS piece (label, sign, since, until)
 CROSS JOIN LATERAL (
   SELECT status, reason, requests FROM {table}
    WHERE account_id = account.id AND service = %b AND {width}
          {time} >= to_timestamp(piece.since * 60) AND {time} < to_timestamp(piece.until * 60)
          AND (%b::text IS NULL OR tier = %b::text)
   OFFSET 0
 ) AS part
 GROUP BY 1, 2
"""
# A piece at a time, of which there are five at most: Citus does not join pieces with accounts on every node.
_EVENTS = text("""
    SELECT account_id, sum(events)::bigint FROM event_rollups
     WHERE account_id = ANY(:accounts) AND width = :width
       AND bucket >= to_timestamp(:since * 60) AND bucket < to_timestamp(:until * 60)
     GROUP BY account_id
""")
_OPENED = text("""
    SELECT account_id, count(*) FROM circuit_changes
     WHERE account_id = ANY(:accounts) AND after = 'open' AND changed_at >= :start AND changed_at < :end
     GROUP BY account_id
""")
_NOTICES = text("""
    SELECT account_id, count(*) FROM notices
     WHERE account_id = ANY(:accounts) AND noticed_at >= :start AND noticed_at < :end
     GROUP BY account_id
""")


class Known(NamedTuple):
    """An account as it is called now."""

    account_id: str
    name: str
    tier: str


class Volume(NamedTuple):
    """An account's requests to the platform: all, those answered 5xx, those answered 429, those refused."""

    requests: int = 0
    bad: int = 0
    limited: int = 0
    refused: int = 0

    def __add__(self, other: Any) -> Volume:
        return Volume(*(mine + its for mine, its in zip(self, other, strict=True)))


class AccountRows:
    """The accounts of a scope, as of the connection's moment."""

    def __init__(self, connection: Connection, *, account_id: str | None, tier: str | None) -> None:
        self._connection = connection
        self._tier = tier
        self._reach: Reach = request_store.reach(connection)
        rows = connection.execute(_ACCOUNTS, {"account_id": account_id, "tier": tier})
        self.known = [Known(*row) for row in rows]
        self._ids = [account.account_id for account in self.known]
        self._suspects: list[str] = self._ids

    def volumes(self, pieces: Sequence[Piece]) -> dict[str, Volume]:
        """Return the requests of each account over pieces of time."""
        found = self._requests({0: pieces}, self._ids)
        volumes = {account_id: volume for (_, account_id), volume in found.items()}
        # Whoever had nothing bad in a period had nothing bad in a part of it.
        self._suspects = [account_id for account_id in self._ids if volumes.get(account_id, Volume()).bad]
        return volumes

    def bad(self, labelled: Mapping[int, Sequence[Piece]]) -> dict[int, dict[str, int]]:
        """Return bad requests by account under each label of a part of the period; call it after `volumes`."""
        found: dict[int, dict[str, int]] = {label: {} for label in labelled}
        for (label, account_id), volume in sorted(self._requests(labelled, self._suspects).items()):
            if volume.bad:
                found[label][account_id] = volume.bad
        return found

    def events(self, pieces: Sequence[Piece]) -> dict[str, int]:
        """Return events stored, by their own time, over pieces of the widths of `event_rollups`."""
        found: Counter[str] = Counter()
        for piece in pieces:
            parameters = {"accounts": self._ids, "width": piece.width, "since": piece.since, "until": piece.until}
            for account_id, events in self._connection.execute(_EVENTS, parameters):
                found[account_id] += piece.sign * events
        return dict(found)

    def opened(self, start: datetime, end: datetime) -> dict[str, int]:
        """Return how often each circuit breaker opened."""
        return _pairs(self._connection.execute(_OPENED, {"accounts": self._ids, "start": start, "end": end}))

    def notices(self, start: datetime, end: datetime) -> dict[str, int]:
        """Return how many notices of its quota each account got."""
        return _pairs(self._connection.execute(_NOTICES, {"accounts": self._ids, "start": start, "end": end}))

    def _requests(
        self, labelled: Mapping[int, Iterable[Piece]], accounts: Sequence[str]
    ) -> dict[tuple[int, str], Volume]:
        by_width: dict[int, list[tuple[int, int, int, int]]] = {}
        for label, pieces in labelled.items():
            for width, sign, since, until in located(pieces, self._reach):
                by_width.setdefault(width, []).append((label, sign, since, until))
        found: dict[tuple[int, str], Volume] = {}
        for width, asked in by_width.items():
            table, time = table_of(width, accounts=True)
            statement = _REQUESTS.format(
                table=table, time=time, width="" if width == MINUTE else f"width = {width} AND"
            )
            columns = [BigintArray(column) for column in zip(*asked, strict=True)]
            cursor = binary_cursor(self._connection)
            cursor.execute(statement, (texts(accounts), *columns, SERVICE, self._tier, self._tier))
            for label, account_id, *counts in cursor.fetchall():
                key = (label, account_id)
                found[key] = found.get(key, Volume()) + Volume(*counts)
        return found


def _pairs(rows: Iterable[Row[Any]]) -> dict[str, int]:
    return dict(map(tuple, rows))
