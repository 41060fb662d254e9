"""One record of telemetry, of `POST /telemetry` and of files, and what it is counted by."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from app.core.telemetry.ledger import OTHER
from app.domain.histogram import bucket_of

if TYPE_CHECKING:
    from app.core.telemetry.ledger import Observation

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Told apart; others count as `__other__`."""
SERVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""What a service may be called, which is also what OpenSLO lets it be called."""
LONGEST_ROUTE, LONGEST_TIER, LONGEST_REASON = 256, 64, 128
"""Characters. All of them stand in one key of PostgreSQL, which has room for 2,700 bytes."""
LONGEST_TARGET = 8_192
"""Characters of a route as it comes, with its query."""
LOWEST_STATUS, HIGHEST_STATUS = 100, 599
LONGEST_MS = 86_400_000
"""A day: a request that took longer was measured in another unit."""
MOST_REQUESTS = 1_000_000_000
"""Of one record."""

_NEVER_FINER_US = 0.0005
"""Half a nanosecond: 0.57 ms is 570 µs, and not the 569.99 that the product of two floats is."""
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)

_CLEAN = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
"""Without control characters, some of which PostgreSQL refuses."""

Instant = Annotated[datetime, Meta(tz=True)]


class Record(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Requests that were alike. `duration_ms` is null where nobody measured it; `count` is 1 where it is not said."""

    timestamp: Instant
    route: Annotated[str, Meta(min_length=1, max_length=LONGEST_TARGET)]
    method: Annotated[str, Meta(min_length=1, max_length=32)]
    status: Annotated[int, Meta(ge=LOWEST_STATUS, le=HIGHEST_STATUS)]
    duration_ms: Annotated[float, Meta(ge=0, le=LONGEST_MS)] | None
    account_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")] | None = None
    tier: Annotated[str, Meta(max_length=LONGEST_TIER, pattern=_CLEAN)] | None = None
    reason: Annotated[str, Meta(max_length=LONGEST_REASON, pattern=_CLEAN)] | None = None
    count: Annotated[int, Meta(ge=1, le=MOST_REQUESTS)] | None = None


def observation_of(record: Record) -> Observation:
    """Return what the requests of a record are counted by."""
    duration = record.duration_ms
    method = record.method
    return (
        minute_of(record.timestamp),
        record.account_id,
        route_of(record.route),
        method if method in METHODS else OTHER,
        record.tier or "",
        record.status,
        record.reason or "",
        None if duration is None else bucket_of(int(duration * 1_000 + _NEVER_FINER_US)),
    )


def minute_of(instant: datetime) -> int:
    """Return the minute since 1970 that an instant is in."""
    since = instant - _UNIX
    return since.days * 1_440 + since.seconds // 60


def route_of(target: str) -> str:
    """Return a route without its query; what is too long, or cannot be printed, is `__other__`."""
    route = target.partition("?")[0]
    if not 1 <= len(route) <= LONGEST_ROUTE or not route.isprintable():
        return OTHER
    return route
