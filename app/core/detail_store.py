"""`kept_detail`: from when on counts are kept by the minute, and by the quarter of an hour. Days stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

REQUESTS, EVENTS = "requests", "events"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

_DETAIL = text("SELECT minutes_from, quarters_from FROM kept_detail WHERE name = :name")
_RAISE = text("""
    INSERT INTO kept_detail AS kept (name, minutes_from, quarters_from) VALUES (:name, :minutes_from, :quarters_from)
    ON CONFLICT (name) DO UPDATE
       SET minutes_from = greatest(kept.minutes_from, excluded.minutes_from),
           quarters_from = greatest(kept.quarters_from, excluded.quarters_from)
""")


class Detail(NamedTuple):
    """Instants; whole quarters and whole days of UTC. 1970 when nothing is gone."""

    minutes_from: datetime
    quarters_from: datetime


def detail(connection: Connection, name: str) -> Detail:
    """Return how far back the detail of some counts goes."""
    row = connection.execute(_DETAIL, {"name": name}).one_or_none()
    return Detail(LONG_AGO, LONG_AGO) if row is None else Detail(row[0] or LONG_AGO, row[1] or LONG_AGO)


def raise_to(
    connection: Connection, name: str, *, minutes_from: datetime | None = None, quarters_from: datetime | None = None
) -> None:
    """Say that what is older is gone; it never comes back."""
    connection.execute(_RAISE, {"name": name, "minutes_from": minutes_from, "quarters_from": quarters_from})


def whole_days(instant: datetime) -> datetime:
    """Return the midnight (UTC) before an instant."""
    return LONG_AGO + (instant - LONG_AGO) // DAY * DAY
