"""Recurrence, with the examples of RFC 5545 (section 3.8.5.3) for the parts that are supported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from app.domain.recurrence import Recurrence, RecurrenceError, parse_recurrence

if TYPE_CHECKING:
    from datetime import date, tzinfo

NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")
FIRST = datetime(1997, 9, 2, 9, tzinfo=NEW_YORK)


def days(rule: str, *, first: datetime = FIRST, before: datetime, most: int = 1_000) -> list[str]:
    found = parse_recurrence(rule).occurrences(first, before)
    return [f"{at.astimezone(first.tzinfo):%Y-%m-%d}" for at, _ in zip(found, range(most), strict=False)]


@pytest.mark.parametrize(
    ("rule", "first", "expected"),
    [
        ("FREQ=DAILY;COUNT=3", FIRST, ["1997-09-02", "1997-09-03", "1997-09-04"]),
        ("FREQ=DAILY;INTERVAL=10;COUNT=3", FIRST, ["1997-09-02", "1997-09-12", "1997-09-22"]),
        ("FREQ=WEEKLY;UNTIL=19970917T000000Z", FIRST, ["1997-09-02", "1997-09-09", "1997-09-16"]),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,TH",
            FIRST,
            ["1997-09-02", "1997-09-04", "1997-09-16", "1997-09-18"],
        ),
        (
            "FREQ=MONTHLY;COUNT=3;BYDAY=1FR",
            datetime(1997, 9, 5, 9, tzinfo=NEW_YORK),
            ["1997-09-05", "1997-10-03", "1997-11-07"],
        ),
        (
            "FREQ=MONTHLY;COUNT=3;BYDAY=-2MO",
            datetime(1997, 9, 22, 9, tzinfo=NEW_YORK),
            ["1997-09-22", "1997-10-20", "1997-11-17"],
        ),
        (
            "FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-3",
            datetime(1997, 9, 28, 9, tzinfo=NEW_YORK),
            ["1997-09-28", "1997-10-29", "1997-11-28"],
        ),
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3",
            datetime(1998, 2, 13, 9, tzinfo=NEW_YORK),
            ["1998-02-13", "1998-03-13", "1998-11-13"],
        ),
        (
            "FREQ=YEARLY;COUNT=4;BYMONTH=6,7",
            datetime(1997, 6, 10, 9, tzinfo=NEW_YORK),
            ["1997-06-10", "1997-07-10", "1998-06-10", "1998-07-10"],
        ),
        ("RRULE:FREQ=YEARLY;COUNT=2", datetime(2024, 2, 29, tzinfo=UTC), ["2024-02-29", "2028-02-29"]),
    ],
)
def test_a_rule_falls_on_the_days_that_the_standard_says(rule: str, first: datetime, expected: list[str]) -> None:
    assert days(rule, first=first, before=datetime(2030, 1, 1, tzinfo=UTC)) == expected


def test_it_keeps_its_time_on_the_wall_when_clocks_change() -> None:
    first = datetime(2026, 10, 18, 2, 30, tzinfo=BERLIN)

    found = list(parse_recurrence("FREQ=WEEKLY;COUNT=3").occurrences(first, datetime(2027, 1, 1, tzinfo=UTC)))

    # On 25 October 02:30 comes twice, and counts the first time.
    assert [at.hour for at in found] == [0, 0, 1]


def test_a_rule_that_never_comes_again_takes_no_longer_than_others() -> None:
    assert days("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", before=FIRST + timedelta(days=4_000)) == []


@pytest.mark.parametrize("rule", ["DAILY;INTERVAL=3", "WEEKLY;BYDAY=TU,SA", "MONTHLY;BYDAY=-1FR", "DAILY;COUNT=700"])
@pytest.mark.parametrize("zone", [NEW_YORK, UTC])
def test_from_the_middle_on_it_is_the_same_as_from_the_beginning(rule: str, zone: tzinfo) -> None:
    recurrence, first = parse_recurrence(f"FREQ={rule}"), FIRST.astimezone(zone)
    before = FIRST + timedelta(days=900)
    every = list(recurrence.occurrences(first, before))

    for since in (every[0], every[-1], every[7] + timedelta(seconds=1), FIRST + timedelta(days=480), before):
        assert list(recurrence.occurrences(first, before, since)) == [at for at in every if at >= since]


def test_how_long_ago_it_began_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    falls_on = Recurrence.falls_on

    def counted(rule: Recurrence, day: date, first: date) -> bool:
        looked_at.append(day)
        return falls_on(rule, day, first)

    monkeypatch.setattr(Recurrence, "falls_on", counted)
    since = FIRST + timedelta(days=29 * 365)

    found = list(parse_recurrence("FREQ=WEEKLY").occurrences(FIRST, since + timedelta(days=28), since))

    assert len(found) == 4
    assert len(looked_at) <= 2 * 366


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "FREQ",
        "INTERVAL=2",
        "FREQ=HOURLY",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;BYSETPOS=1",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=x",
        "FREQ=DAILY;COUNT=1;UNTIL=20260101",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=YEARLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
    ],
)
def test_what_is_not_understood_is_refused(rule: str) -> None:
    with pytest.raises(RecurrenceError):
        parse_recurrence(rule)
