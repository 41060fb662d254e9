"""Percentiles that are mended at their edges are those that are read as a whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.telemetry.rollups import Rollups
from reporting.evaluation import percentile_cache, percentiles
from reporting.evaluation.percentile_cache import minus
from reporting.maintenance.maintenance import Maintenance
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.slo_composition import SLOParts
    from reporting.evaluation.evaluator import Shown
    from reporting.evaluation.measure import Measure
    from reporting.evaluation.percentile_cache import Spans

NOW = datetime.now(UTC).replace(second=20, microsecond=0)
END = minute_of(NOW) + 1
TEXT = together(
    slo("all", total={"service": "slipstream"}, good={"service": "slipstream", "status": "<500"}),
    slo(
        "day",
        total={"service": "slipstream", "route": "/a"},
        good={"service": "slipstream", "route": "/a", "duration_ms": "<500"},
        window={"duration": "1d", "isRolling": True},
    ),
)


def steps(*, first: int, last: int, every: int) -> list[Request]:
    """Requests that become slower and slower, some minutes apart."""
    return [
        Request(END - 1 - back, "/a", 200, 1_000 + (last - back) * 977)
        for back in range(last, first - 1, -every)
        for _ in range(3)
    ]


def whole(parts: SLOParts, at: datetime) -> list[Shown]:
    """The same, read from nothing."""
    found = [parts.catalogue.find(name) for name in ("all", "day")]
    return [shown for each in found if each is not None for shown in parts.evaluator.shown(each, at)]


def same(parts: SLOParts, at: datetime) -> bool:
    expected, found = whole(parts, at), parts.evaluator.every_shown(at)
    assert any(each.percentiles is not None for each in expected)
    return [each[1:] for each in found] == [each[1:] for each in expected]


@pytest.mark.parametrize("added_up", [False, True])
def test_as_time_goes_on(database: Database, parts: SLOParts, *, added_up: bool) -> None:
    store(database, [*steps(first=0, last=1_500, every=7), *steps(first=43_100, last=43_300, every=3)])
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    if added_up:
        Rollups(database).add_up(NOW)

    for later in (0, 1, 2, 16, 100, 101, 1_441, 2_000):
        assert same(parts, NOW + timedelta(minutes=later)), later


def test_late_requests_and_the_last_minutes_are_in_it(database: Database, parts: SLOParts) -> None:
    store(database, steps(first=0, last=1_000, every=7))
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    assert same(parts, NOW)

    store(database, [Request(END - 700, "/a", 200, 9_000_000, writer="late") for _ in range(50)])
    assert same(parts, NOW)
    store(database, [Request(END - 1, "/a", 200, 5_000_000, writer="now") for _ in range(50)])
    assert same(parts, NOW)
    Rollups(database).add_up(NOW)
    assert same(parts, NOW)
    assert same(parts, NOW + timedelta(minutes=5))


def test_maintenance_that_comes_and_goes(database: Database, parts: SLOParts) -> None:
    store(database, steps(first=0, last=1_000, every=7))
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    assert same(parts, NOW)
    added = Maintenance(
        service="slipstream",
        starts_at=NOW.replace(second=0) - timedelta(hours=3),
        ends_at=NOW.replace(second=0) - timedelta(hours=1),
        rrule=None,
        timezone="UTC",
        author="Mia Berg",
        reason="upgrade",
        created_at=NOW,
    )
    parts.maintenance.add(added)

    assert same(parts, NOW)
    assert same(parts, NOW + timedelta(minutes=3))
    without, including = parts.evaluator.every_shown(NOW)[1][1:]
    assert without != including

    parts.maintenance.remove(added.maintenance_id, NOW)
    assert same(parts, NOW + timedelta(minutes=4))


def test_only_the_edges_are_read_again(database: Database, parts: SLOParts, monkeypatch: pytest.MonkeyPatch) -> None:
    store(database, steps(first=0, last=1_400, every=20))
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    parts.evaluator.every_shown(NOW)
    read: list[tuple[int, int]] = []

    def histograms(connection: Connection, measures: Iterable[Measure], spans: Spans) -> dict[Measure, Counter[int]]:
        read.extend(spans)
        return percentiles.histograms(connection, measures, spans)

    monkeypatch.setattr(percentile_cache, "histograms", histograms)
    parts.evaluator.every_shown(NOW + timedelta(minutes=1))

    assert read
    assert all(until - since <= 12 for since, until in read)


spans_of = st.lists(st.integers(0, 60), unique=True, max_size=8).map(
    lambda edges: tuple(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(spans_of, spans_of)
def test_spans_are_subtracted_minute_by_minute(
    spans: tuple[tuple[int, int], ...], others: tuple[tuple[int, int], ...]
) -> None:
    def minutes(some: tuple[tuple[int, int], ...]) -> set[int]:
        return {minute for start, end in some for minute in range(start, end)}

    assert minutes(minus(spans, others)) == minutes(spans) - minutes(others)
