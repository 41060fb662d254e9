"""Header fields as draft-ietf-httpapi-ratelimit-headers-11 has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from ingestion.admission.standing import Standing
from ingestion.limits.quota import Period


def standing(now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC), **changed: int | None) -> Standing:
    values = {
        "per_minute": 60_000,
        "burst": 10_000,
        "left": 9_900,
        "full_in_ms": 100,
        "daily": 10_000_000,
        "day_used": 100,
        "monthly": 200_000_000,
        "month_used": 1_100,
    }
    return Standing("standard", "normal", round(now.timestamp() * 1_000), **values | changed)  # type: ignore[arg-type]  # As above.


def test_all_limits_are_said_with_what_is_left_of_them() -> None:
    assert standing().headers() == {
        "RateLimit-Policy": '"events_per_minute";q=10000;w=10;qu="events", "daily_quota";q=10000000;w=86400;qu="events", '
        '"monthly_quota";q=200000000;w=2592000;qu="events"',
        "RateLimit": '"events_per_minute";r=9900;t=1, "daily_quota";r=9999900;t=43200, "monthly_quota";r=199998900;t=734400',
    }


def test_without_quotas_nothing_is_said_of_them() -> None:
    headers = standing(daily=None, monthly=None).headers()

    assert headers == {
        "RateLimit-Policy": '"events_per_minute";q=10000;w=10;qu="events"',
        "RateLimit": '"events_per_minute";r=9900;t=1',
    }


def test_more_than_all_is_nothing_left() -> None:
    """A quota that was lowered below what is used already."""
    assert '"daily_quota";r=0;' in standing(daily=50).headers()["RateLimit"]


@pytest.mark.parametrize(
    ("now", "window", "resets_in"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), 31 * 86_400, 1),
        (datetime(2028, 2, 1, tzinfo=UTC), 29 * 86_400, 29 * 86_400),
    ],
)
def test_a_month_is_as_long_as_it_is(now: datetime, window: int, resets_in: int) -> None:
    headers = standing(now).headers()

    assert f'"monthly_quota";q=200000000;w={window};' in headers["RateLimit-Policy"]
    assert headers["RateLimit"].endswith(f";t={resets_in}")


def test_a_policy_s_window_makes_its_rate() -> None:
    policy = standing(per_minute=600_000, burst=60_000).headers()["RateLimit-Policy"]

    assert policy.startswith('"events_per_minute";q=60000;w=6;')


def test_fields_are_lists_of_strings_with_integers() -> None:
    """RFC 9651: a structured field's string is quoted, its integer has no point."""
    item = r'"[a-z_]+"(;[a-z]+=(\d+|"[a-z]+"))+'

    for value in standing().headers().values():
        assert re.fullmatch(f"{item}(, {item})*", value)


def test_a_day_ends_at_midnight_and_a_month_with_its_last_day() -> None:
    assert standing().resets_at(Period.DAY) == datetime(2026, 11, 23, tzinfo=UTC)
    assert standing().resets_at(Period.MONTH) == datetime(2026, 12, 1, tzinfo=UTC)
