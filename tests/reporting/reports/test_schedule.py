"""When reports are due: by the clocks of a place, and also after nothing ran for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import period_named
from reporting.reports.model import Kind, Scope
from reporting.reports.schedule import MOST_CAUGHT_UP, SETTLES, Rhythm, due, first_period


def rhythm(kind: Kind = Kind.WEEKLY, timezone: str = "Europe/Berlin", hour: int = 7) -> Rhythm:
    return Rhythm(kind=kind, timezone=timezone, hour=hour, scope=Scope())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_rhythm", "period", "expected"),
    [
        (rhythm(), "2026-W43", "2026-10-26T06:00"),  # Winter time since the day before.
        (rhythm(), "2026-W42", "2026-10-19T05:00"),
        (rhythm(Kind.MONTHLY), "2026-10", "2026-11-01T06:00"),
        (rhythm(Kind.MONTHLY), "2028-02", "2028-03-01T06:00"),
        # In New York the clocks strike one twice on the first of November 2026: the first counts.
        (rhythm(Kind.MONTHLY, "America/New_York", 1), "2026-10", "2026-11-01T05:00"),
        # No report is made in the first minutes after its period.
        (rhythm(Kind.MONTHLY, "America/Havana", 0), "2026-02", "2026-03-01T05:15"),
        (rhythm(Kind.MONTHLY, "Asia/Tokyo", 23), "2026-10", "2026-11-01T14:00"),
        (rhythm(Kind.MONTHLY, "UTC", 0), "2026-10", "2026-11-01T00:15"),
    ],
)
def test_a_report_is_due_at_its_hour_of_the_day_after_its_period(
    given_rhythm: Rhythm, period: str, expected: str
) -> None:
    assert given_rhythm.due_at(period_named(period, given_rhythm.timezone)) == at(expected)


def test_an_hour_that_clocks_skip_is_where_they_skip_it() -> None:
    # In Asunción clocks went from midnight to one on Sunday, 1 October 2023: the month begins there.
    asuncion = rhythm(Kind.MONTHLY, "America/Asuncion", 0)

    moment = asuncion.due_at(period_named("2023-09", "America/Asuncion"))

    assert moment == at("2023-10-01T04:15")


def test_nothing_is_due_before_its_hour_and_one_report_is_after_it() -> None:
    before = due(rhythm(), "2026-W43", at("2026-10-26T05:59"))
    after = due(rhythm(), "2026-W43", at("2026-10-26T06:00"))

    assert (before.periods, before.following.name, before.following_at) == ((), "2026-W43", at("2026-10-26T06:00"))
    assert [period.name for period in after.periods] == ["2026-W43"]
    assert (after.following.name, after.following_at, after.skipped) == ("2026-W44", at("2026-11-02T06:00"), 0)


def test_what_was_missed_is_caught_up_with_to_a_bound() -> None:
    few = due(rhythm(), "2026-W43", at("2026-11-12T00:00"))
    many = due(rhythm(Kind.MONTHLY), "2025-01", at("2026-11-12T00:00"))

    assert [period.name for period in few.periods] == ["2026-W43", "2026-W44", "2026-W45"]
    assert [period.name for period in many.periods] == ["2026-07", "2026-08", "2026-09", "2026-10"]
    assert (many.skipped, many.following.name) == (18, "2026-11")


def test_the_first_report_is_of_the_period_that_is_going_on_or_whose_hour_is_to_come() -> None:
    assert first_period(rhythm(), at("2026-10-26T05:00")).name == "2026-W43"
    assert first_period(rhythm(), at("2026-10-26T06:00")).name == "2026-W44"


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"])


@given(
    zone=ZONES,
    kind=st.sampled_from(Kind),
    hour=st.integers(0, 23),
    start=st.integers(0, 30 * 365 * 24),
    steps=st.lists(st.integers(1, 40 * 24), min_size=1, max_size=12),
)
def test_whenever_somebody_looks_every_period_is_served_once_and_in_order(
    zone: str, kind: Kind, hour: int, start: datetime, steps: list[int]
) -> None:
    of = rhythm(kind, zone, hour)
    now = at("2010-01-01") + timedelta(hours=start)
    following = first_period(of, now)
    number = following.number
    for step in steps:
        now += timedelta(hours=step)
        found = due(of, following.name, now)
        assert len(found.periods) <= MOST_CAUGHT_UP
        number += found.skipped
        for period in found.periods:
            assert period.number == number
            assert period.end + SETTLES <= of.due_at(period) <= now
            number += 1
        assert found.following.number == number
        assert found.following_at > now
        following = found.following
