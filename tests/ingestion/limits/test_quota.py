from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.limits import quota
from ingestion.limits.quota import Period

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_events_count_until_the_limit_and_not_beyond(make_quota: Any) -> None:
    daily = make_quota(Period.DAY, 100)

    assert daily.hit(60, NOON) == (True, "2026-11-22", 60, 0)
    assert daily.hit(41, NOON) == (False, "2026-11-22", 60, 0)
    assert daily.hit(40, NOON) == (True, "2026-11-22", 100, 100)


def test_the_thresholds_are_80_and_100_per_cent(make_quota: Any) -> None:
    daily = make_quota(Period.DAY, 1_000)

    reached = [daily.hit(cost, NOON)[3] for cost in (799, 1, 199, 2, 1)]

    assert reached == [0, 80, 80, 80, 100]


def test_without_a_limit_everything_is_counted_and_nothing_refused(make_quota: Any) -> None:
    assert make_quota(Period.MONTH, None).hit(10**9, NOON) == (True, "2026-11", 10**9, 0)


def test_midnight_in_utc_starts_a_new_day(make_quota: Any) -> None:
    daily = make_quota(Period.DAY, 100)
    daily.hit(100, datetime(2026, 11, 22, 23, 59, 59, 999_000, tzinfo=UTC))

    assert daily.hit(100, datetime(2026, 11, 23, tzinfo=UTC)) == (True, "2026-11-23", 100, 100)


def test_the_first_of_the_month_starts_a_new_month(make_quota: Any) -> None:
    monthly = make_quota(Period.MONTH, 100)
    monthly.hit(100, datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))

    assert monthly.hit(1, datetime(2027, 1, 1, tzinfo=UTC)) == (True, "2027-01", 1, 0)


@pytest.mark.parametrize(
    ("period", "now", "expected"),
    [
        (Period.DAY, NOON, datetime(2026, 11, 23, tzinfo=UTC)),
        (Period.MONTH, NOON, datetime(2026, 12, 1, tzinfo=UTC)),
        (Period.MONTH, datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (Period.MONTH, datetime(2028, 1, 31, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)),
        (Period.DAY, datetime(2028, 2, 28, 1, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_period_resets_at_the_first_instant_of_the_next(period: Period, now: datetime, expected: datetime) -> None:
    assert quota.resets_at(period, now) == expected


INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - made aware right here
    lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
)


@given(
    period=st.sampled_from(Period),
    limit=st.none() | st.integers(0, 5_000),
    start=INSTANTS,
    steps=st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(days=40)), st.integers(1, 1_000)), max_size=30),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_script_and_rules_never_differ(
    both: Any, period: Period, limit: int | None, start: datetime, steps: list[tuple[timedelta, int]]
) -> None:
    rules, script = both("quota", period, limit)
    now = start
    for forward, cost in steps:
        now = (now + forward).replace(microsecond=0)
        assert script.hit(cost, now) == rules.hit(cost, now)
