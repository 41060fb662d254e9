"""What is remembered is forgotten when it was written to, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.restatements_store import SETTLED
from app.core.telemetry.additions_store import add_requests
from app.domain.filters import Source, parse
from reporting.evaluation.measure import Measure
from reporting.evaluation.request_book import RequestBook
from reporting.evaluation.sums import Sums
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.evaluation.tiles import Tile

NOW = datetime.now(UTC)
END = minute_of(NOW) + 1
SPAN = (END - 30 * 1_440, END)
OLD = minute_of(NOW - timedelta(days=20))
SHOP = Measure(
    parse(Source.REQUESTS, {"service": "shop"}),
    parse(Source.REQUESTS, {"service": "shop", "status": "<500"}),
    part_is_good=True,
)


class Watched(RequestBook):
    """Tells which settled minutes it was asked for."""

    def __init__(self, measures: Sequence[Measure], read: list[Tile]) -> None:
        super().__init__(measures)
        self._read = read

    def load(self, connection: Connection, tiles: Iterable[Tile], *, now: datetime) -> dict[Tile, array[int]]:
        wanted = list(tiles)
        self._read += [tile for tile in wanted if tile.end <= minute_of(now - SETTLED)]
        return super().load(connection, wanted, now=now)


class Reader:
    """Reads a month again and again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tiles: list[Tile] = []
        self._sums = Sums([SHOP], lambda _, measures: Watched(measures, self.tiles))

    def read(self) -> tuple[int, int, int]:
        """Return the total of the month, twice, and how many settled minutes were read for it."""
        self.tiles.clear()
        with self.database.begin() as connection:
            self._sums.read(connection, {Source.REQUESTS: [SPAN]}, now=NOW)
            series = self._sums.series(connection, SHOP, SPAN, now=NOW)
        return self._sums.counts(SHOP, *SPAN).total, series.counts(*SPAN).total, sum(tile.width for tile in self.tiles)

    def add(self, service: str, *minutes: int) -> None:
        with self.database.begin() as connection:
            requests = {(minute, None, "/", "GET", "", 200, "", None): 1 for minute in minutes}
            add_requests(connection, service, requests)


@pytest.fixture
def reader(database: Database) -> Reader:
    return Reader(database)


def test_late_requests_of_another_service_make_nobody_forget(reader: Reader) -> None:
    reader.add("shop", OLD)
    reader.read()
    reader.add("website", OLD, END - 300)

    assert reader.read() == (1, 1, 0)


def test_late_requests_make_the_days_they_are_of_be_read_again_and_none_in_between(reader: Reader) -> None:
    reader.read()
    reader.add("shop", OLD, END - 2_000)

    total, in_series, minutes = reader.read()

    assert (total, in_series) == (2, 2)
    month = SPAN[1] - SPAN[0]
    assert minutes <= month + 2 * 1_440, "the series is read anew, but of the tiles two days at most"
