"""What an account may do and what is left of it, as a script saw it, and as the headers of an answer say it.

The header fields are those of draft-ietf-httpapi-ratelimit-headers-11. A policy is called as its limit is in `/tiers`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ingestion.limits.quota import Period, resets_at

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENTS = "events_per_minute"
DAILY = "daily_quota"
MONTHLY = "monthly_quota"
SUMMARIES = "summaries_per_minute"
TELEMETRY = "telemetry_per_minute"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400


class Standing(NamedTuple):
    """Numbers are events. `at_ms` is the server's clock; a quota of None is no limit."""

    tier: str
    lane: str
    at_ms: int
    per_minute: int
    burst: int
    left: int
    full_in_ms: int
    """Until the whole burst is there again."""
    daily: int | None
    day_used: int
    monthly: int | None
    month_used: int

    @property
    def at(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=self.at_ms)

    def resets_at(self, period: Period) -> datetime:
        """Return the first instant of the next day or month, in UTC."""
        return resets_at(period, self.at)

    def headers(self) -> dict[str, str]:
        """Return the fields `RateLimit` and `RateLimit-Policy`."""
        now_s = self.at_ms // 1_000
        month, month_ends = _month(now_s // _DAY_S)
        left = f'"{EVENTS}";r={self.left};t={-(-self.full_in_ms // 1_000)}'
        if self.daily is not None:
            left += f', "{DAILY}";r={max(self.daily - self.day_used, 0)};t={_DAY_S - now_s % _DAY_S}'
        if self.monthly is not None:
            left += f', "{MONTHLY}";r={max(self.monthly - self.month_used, 0)};t={month_ends - now_s}'
        return {
            "RateLimit-Policy": _policy(self.per_minute, self.burst, self.daily, self.monthly, month),
            "RateLimit": left,
        }


def read_standing(values: Sequence[Any]) -> Standing:
    """Read what `standing_answer` in Lua wrote, behind its status and its two values."""
    tier, lane, *numbers = values
    at_ms, per_minute, burst, left, full_in_ms, daily, day_used, monthly, month_used = numbers
    return Standing(
        tier.decode(),
        lane.decode(),
        at_ms,
        per_minute,
        burst,
        left,
        full_in_ms,
        None if daily < 0 else daily,
        day_used,
        None if monthly < 0 else monthly,
        month_used,
    )


@lru_cache(maxsize=256)
def _policy(per_minute: int, burst: int, daily: int | None, monthly: int | None, month_s: int) -> str:
    """`q` may be used at once and is refilled within `w` seconds, which is the rate."""
    policies = [f'"{EVENTS}";q={burst};w={max(1, round(burst * 60 / per_minute))};qu="events"']
    if daily is not None:
        policies.append(f'"{DAILY}";q={daily};w={_DAY_S};qu="events"')
    if monthly is not None:
        policies.append(f'"{MONTHLY}";q={monthly};w={month_s};qu="events"')
    return ", ".join(policies)


@lru_cache(maxsize=4)
def _month(day: int) -> tuple[int, int]:
    """Return the length of the month of a day, which is counted from 1970, and its end, both in seconds."""
    now = _EPOCH + timedelta(days=day)
    start, end = now.replace(day=1), resets_at(Period.MONTH, now)
    return (end - start).days * _DAY_S, (end - _EPOCH).days * _DAY_S
