"""The history of an SLO against an independent recount."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reporting.maintenance.maintenance import Maintenance
from reporting.slo.windows import instant_of, minute_of
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.recount import Request, recount, store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.slo_composition import SLOParts
    from reporting.slo_history import History

NOW = datetime(2026, 11, 22, 17, 7, tzinfo=UTC)
END = minute_of(NOW) + 1
START = END - 360
REQUESTS = [
    *[Request(START + at, "/pay", 200, 10_000, tier="free") for at in range(0, 360, 3)],
    *[Request(START + at, "/pay", 503, 900_000, tier="enterprise") for at in range(120, 180, 6)],
    *[Request(START + at, "/refund", 504, None, method="GET", tier="free") for at in range(200, 210, 5)],
    *[Request(START - 30, "/pay", 500, 1_000, tier="free")] * 5,
    *[Request(START + 10, "/pay", 200, 1_000)] * 3,
]


def history(parts: SLOParts, *, at: datetime = NOW, **more: Any) -> History:
    text = slo("pay", service="checkout", total={}, good={"status": "<500"}, target=0.9, **more)
    parts.slos.apply(text, by="test", now=at - timedelta(days=40))
    found = parts.slos.evaluated("pay", at)
    assert found is not None
    return parts.history.read(found.evaluation, (START, END), width=60, wide=120)


def test_every_bucket_counts_what_was_sent(parts: SLOParts, database: Database) -> None:
    store(database, REQUESTS)

    found = history(parts)

    assert found.spots[0].start <= instant_of(START) < found.spots[0].end
    assert found.spots[-1].end == instant_of(END)
    for spot in found.spots:
        span = minute_of(spot.start), minute_of(spot.end)
        good, total = recount(REQUESTS, span, lambda _: True, lambda each: each.status < 500)
        assert (spot.total - spot.bad, spot.total) == (good, total)


def test_the_budget_at_the_end_is_the_budget_that_is_left(parts: SLOParts, database: Database) -> None:
    store(database, REQUESTS)

    found = history(parts)
    view = parts.slos.one("pay", NOW)

    assert view is not None
    assert view.budget is not None
    assert found.spots[-1].left == pytest.approx(view.budget.remaining_ratio)
    left = [spot.left for spot in found.spots]
    assert left == sorted(left, key=lambda value: -(value or 0))


def test_causes_are_told_apart_and_the_worst_come_first(parts: SLOParts, database: Database) -> None:
    store(database, REQUESTS)

    found = history(parts)

    assert [(part.name, part.bad, part.total) for part in found.reasons] == [("503", 10, 12), ("504", 2, 12)]
    assert [(part.name, part.bad, part.total) for part in found.routes] == [
        ("POST /pay", 10, 133),
        ("GET /refund", 2, 2),
    ]
    assert [(part.name, part.bad) for part in found.tiers] == [("enterprise", 10), ("free", 2)]


def test_durations_are_those_of_the_requests_of_a_bucket(parts: SLOParts, database: Database) -> None:
    store(database, REQUESTS)

    speeds = {minute_of(speed.start): speed for speed in history(parts).speeds}

    assert all(minute % 120 == 0 for minute in speeds)
    assert max(speed.p99 for speed in speeds.values()) == pytest.approx(900, rel=0.01)
    assert min(speed.p50 for speed in speeds.values()) == pytest.approx(10, rel=0.01)


def test_maintenance_is_left_out(parts: SLOParts, database: Database) -> None:
    store(database, REQUESTS)
    parts.maintenance.add(
        Maintenance(
            service="checkout",
            starts_at=instant_of(START + 120),
            ends_at=instant_of(START + 180),
            rrule=None,
            timezone="UTC",
            author="Mia",
            reason="Upgrade",
            created_at=NOW,
        )
    )

    found = history(parts)

    assert sum(spot.bad for spot in found.spots) == 2
    assert found.spots[-1].left == pytest.approx(parts.slos.one("pay", NOW).budget.remaining_ratio)  # type: ignore[union-attr]


def test_slices_are_counted_as_slices(parts: SLOParts, database: Database) -> None:
    store(database, REQUESTS)

    found = history(parts, method="Timeslices", timeSliceTarget=0.95, timeSliceWindow="5m")
    view = parts.slos.one("pay", NOW)

    assert view is not None
    assert view.budget is not None
    assert found.spots[-1].left == pytest.approx(view.budget.remaining_ratio)
    assert 0 < sum(spot.total for spot in found.spots) < len(REQUESTS)


def test_divided_slices_are_counted_as_whole_ones(parts: SLOParts, database: Database) -> None:
    store(database, REQUESTS)

    found = history(parts, method="RatioTimeslices", timeSliceWindow="5m")
    view = parts.slos.one("pay", NOW)

    assert view is not None
    assert view.budget is not None
    assert found.spots[-1].left == pytest.approx(view.budget.remaining_ratio)


def test_what_was_bad_before_the_period_costs_nothing_of_its_budget(parts: SLOParts, database: Database) -> None:
    begins = END - 1_440
    store(
        database, [*REQUESTS, *[Request(begins - 5, "/pay", 503, 1_000)] * 7, Request(begins + 5, "/pay", 503, 1_000)]
    )
    history(parts, window={"duration": "1d", "isRolling": True})
    shown = parts.slos.evaluated("pay", NOW)
    assert shown is not None

    found = parts.history.read(shown.evaluation, (begins, END), width=60, wide=120)

    assert found.spots[0].bad == 8
    assert shown.evaluation.figures.budget is not None
    assert found.spots[-1].left == pytest.approx(float(shown.evaluation.figures.budget.remaining_ratio))


def test_without_data_there_is_no_budget_and_nothing_is_good(parts: SLOParts) -> None:
    found = history(parts)

    assert {spot.left for spot in found.spots} == {None}
    assert (found.speeds, found.reasons, found.routes) == ((), (), ())
