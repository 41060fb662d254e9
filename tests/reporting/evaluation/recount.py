"""An independent recount: plain Python over a list of requests, with nothing of the product's but what it stores."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.telemetry.ledger import Row, RowKey
from app.core.telemetry.telemetry_store import TelemetryStore
from app.domain.histogram import bucket_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.core.database import Database


@dataclass(frozen=True)
class Request:
    """One request; without a duration none is known. `died` never finished."""

    minute: int
    route: str
    status: int
    duration_us: int | None
    method: str = "POST"
    tier: str = "free"
    account: str | None = None
    writer: str = "w1"

    @property
    def died(self) -> bool:
        return self.status == 599 and self.duration_us is None


def store(database: Database, requests: Iterable[Request]) -> None:
    """Store requests as processes do: a row of each minute and combination, for the service and for the account."""
    rows: dict[tuple[str, RowKey], list[Request]] = defaultdict(list)
    for request in requests:
        for account in {None, request.account}:
            reason = "process-died" if request.died else ""
            key = RowKey(request.minute, account, request.route, request.method, request.tier, request.status, reason)
            rows[request.writer, key].append(request)
    by_writer: dict[str, list[Row]] = defaultdict(list)
    for (writer, key), found in rows.items():
        histogram: dict[int, int] = defaultdict(int)
        for request in found:
            if request.duration_us is not None:
                histogram[bucket_of(request.duration_us)] += 1
        buckets = tuple(sorted(histogram))
        by_writer[writer].append(Row(key, len(found), buckets, tuple(histogram[bucket] for bucket in buckets)))
    for writer, made in by_writer.items():
        TelemetryStore(database).write_rows(writer, made)


def recount(
    requests: Iterable[Request],
    span: tuple[int, int],
    total: Callable[[Request], bool],
    good: Callable[[Request], bool],
) -> tuple[int, int]:
    """Return good and total of `[start, end)`."""
    inside = [request for request in requests if span[0] <= request.minute < span[1] and total(request)]
    return sum(map(good, inside)), len(inside)


def exact_quantile(durations: list[int], ratio: float) -> int:
    """Return the nearest rank."""
    return sorted(durations)[math.ceil(len(durations) * ratio) - 1]
