"""Maintenance is left out of every figure, and every figure can be had with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.telemetry.rollups import Rollups
from app.domain.recurrence import RecurrenceError
from reporting.maintenance.maintenance import Maintenance, MaintenanceError, excluded
from reporting.slo.windows import instant_of, minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, recount, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.database import Database
    from app.slo_composition import SLOParts

NOW = datetime.now(UTC).replace(second=20, microsecond=0)
END = minute_of(NOW) + 1
TEXT = slo("available", total={"service": "slipstream"}, good={"service": "slipstream", "status": "<500"})


def maintenance(starts_at: datetime, minutes: int, **fields: str | None) -> Maintenance:
    at = starts_at.replace(second=0, microsecond=0)
    values: dict[str, str | None] = {"service": None, "rrule": None, "timezone": "UTC", **fields}
    return Maintenance(
        starts_at=at,
        ends_at=at + timedelta(minutes=minutes),
        author="Mia Berg",
        reason="upgrade",
        created_at=NOW,
        service=values["service"],
        rrule=values["rrule"],
        timezone=values["timezone"] or "UTC",
    )


def requests() -> list[Request]:
    """One good request every minute of two weeks, and in every 50th a bad one as well."""
    good = [Request(END - 1 - back, "/events", 202, 1_000) for back in range(0, 20_000, 5)]
    bad = [Request(END - 1 - back, "/events", 500, 1_000) for back in range(0, 20_000, 50)]
    return [*good, *bad]


def is_excluded(minute: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= minute < end for start, end in spans)


@pytest.mark.parametrize("service", [None, "slipstream"])
def test_its_minutes_are_left_out_and_shown_apart(database: Database, parts: SLOParts, service: str | None) -> None:
    sent = requests()
    store(database, sent)
    Rollups(database).add_up(NOW)
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    windows = [
        maintenance(NOW - timedelta(days=1), 240, service=service),
        maintenance(NOW - timedelta(days=1, minutes=60), 90, service=service),
        maintenance(NOW - timedelta(minutes=20), 10, service=service),
        maintenance(NOW - timedelta(days=12), 45, service=service, rrule="FREQ=DAILY;INTERVAL=3"),
        maintenance(NOW - timedelta(days=3), 600, service="another"),
    ]
    for window in windows:
        parts.maintenance.add(window)

    (found,) = parts.evaluator.every(NOW)

    spans = [span for window in windows[:-1] for span in window.spans(END - 50_000, END)]
    left = [request for request in sent if not is_excluded(request.minute, spans)]
    month = (END - 43_200, END)
    assert len(left) < len(sent)
    assert (found.figures.counts.good, found.figures.counts.total) == recount(
        left, month, lambda _: True, lambda r: r.status < 500
    )
    including = found.including_maintenance.counts
    assert (including.good, including.total) == recount(sent, month, lambda _: True, lambda r: r.status < 500)
    good, total = recount(left, (END - 30, END), lambda _: True, lambda r: r.status < 500)
    assert found.figures.burn_rates["30m"] == pytest.approx((total - good) * 100 / total)
    minutes = {minute for start, end in spans for minute in range(start, end) if month[0] <= minute < month[1]}
    assert found.excluded_minutes == len(minutes)


def test_a_slice_is_judged_by_what_maintenance_leaves_of_it(database: Database, parts: SLOParts) -> None:
    """In the second half of the hour everything fails; the maintenance begins within the hour, and ends in the next."""
    hour = (END // 60 - 5) * 60
    bad = [Request(minute, "/events", 500, 1_000) for minute in range(hour + 30, hour + 60)]
    good = [Request(minute, "/events", 202, 1_000) for minute in (*range(hour, hour + 30), hour + 65, hour + 100)]
    store(database, [*bad, *good])
    sliced = slo(
        "sliced",
        total={"service": "slipstream"},
        good={"service": "slipstream", "status": "<500"},
        method="Timeslices",
        timeSliceTarget=0.9,
        timeSliceWindow="60m",
    )
    parts.catalogue.apply(sliced, by="test", now=NOW)
    parts.maintenance.add(maintenance(instant_of(hour + 30), 50))

    (found,) = parts.evaluator.every(NOW)

    counts, including = found.figures.counts, found.including_maintenance.counts
    assert (counts.good, counts.total) == (2, 2)
    assert (including.good, including.total) == (1, 2)


def test_percentiles_are_shown_without_it_and_with_it(database: Database, parts: SLOParts) -> None:
    slow = [Request(minute, "/events", 202, 900_000) for minute in range(END - 120, END - 100) for _ in range(10)]
    fast = [Request(END - 10, "/events", 202, 1_000)]
    store(database, [*slow, *fast])
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    parts.maintenance.add(maintenance(instant_of(END - 130), 40))

    ((_, left, including),) = parts.evaluator.every_shown(NOW)

    assert left is not None
    assert including is not None
    assert (left.p99 < 2_000, including.p50 > 800_000) == (True, True)


def test_what_is_all_maintenance_is_no_data(database: Database, parts: SLOParts) -> None:
    store(database, [Request(END - 10, "/events", 500, 1_000)])
    sliced = TEXT.replace("budgetingMethod: Occurrences", "budgetingMethod: RatioTimeslices")
    sliced = sliced.replace("target: 0.99", "target: 0.99\n    timeSliceWindow: 5m")
    parts.catalogue.apply(sliced, by="test", now=NOW)
    parts.maintenance.add(maintenance(NOW - timedelta(hours=1), 120))

    (found,) = parts.evaluator.every(NOW)

    assert (found.figures.counts.total, found.figures.state) == (0, "NO_DATA")
    assert found.including_maintenance.counts.total > 0


def test_it_is_worked_out_once_for_all_slos_of_a_service(parts: SLOParts, monkeypatch: pytest.MonkeyPatch) -> None:
    twins = [TEXT.replace("name: available", f"name: available-{number}") for number in range(5)]
    parts.catalogue.apply(together(*twins), by="test", now=NOW)
    parts.maintenance.add(maintenance(NOW - timedelta(days=400), 45, rrule="FREQ=DAILY"))
    asked = []
    spans = Maintenance.spans

    def counted(window: Maintenance, start: int, end: int) -> Iterator[tuple[int, int]]:
        asked.append(start)
        return spans(window, start, end)

    monkeypatch.setattr(Maintenance, "spans", counted)

    assert len(parts.evaluator.every(NOW)) == 5
    assert len(asked) == 1


def test_removing_it_counts_its_time_again(database: Database, parts: SLOParts) -> None:
    store(database, requests())
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    window = maintenance(NOW - timedelta(days=1), 240)
    parts.maintenance.add(window)
    assert parts.evaluator.every(NOW)[0].figures.counts.total < 4_400

    assert parts.maintenance.remove(window.maintenance_id, NOW)

    assert not parts.maintenance.remove(window.maintenance_id, NOW)
    assert parts.maintenance.every() == []
    (found,) = parts.evaluator.every(NOW)
    assert found.figures == found.including_maintenance
    assert found.figures.counts.total == 4_400


def test_spans_that_touch_or_overlap_are_one() -> None:
    start = datetime(2026, 3, 1, 10, tzinfo=UTC)
    windows = [maintenance(start, 30), maintenance(start + timedelta(minutes=30), 10), maintenance(start, 5)]
    first = minute_of(start)

    assert excluded(windows, "any", first + 2, first + 1_000) == [(first + 2, first + 40)]


@pytest.mark.parametrize(
    ("starts_at", "minutes", "rrule", "error"),
    [
        (datetime(2026, 3, 1, 10, tzinfo=UTC), 0, None, MaintenanceError),
        (datetime(2026, 3, 1, 10, tzinfo=UTC), 7 * 1_440 + 1, None, MaintenanceError),
        (datetime(2026, 3, 1, 10), 10, None, MaintenanceError),  # noqa: DTZ001 - That is what is wrong.
        (datetime(2026, 3, 1, 10, tzinfo=UTC), 10, "FREQ=WEEKLY;BYDAY=MO", MaintenanceError),
        (datetime(2026, 3, 1, 10, tzinfo=UTC), 10, "FREQ=SECONDLY", RecurrenceError),
    ],
)
def test_what_makes_no_sense_is_refused(
    starts_at: datetime, minutes: int, rrule: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        maintenance(starts_at, minutes, rrule=rrule)
