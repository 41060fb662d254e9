"""A token bucket weighted by events, in whole numbers so that the Lua script computes the very same.

The level is held in shares of an event: one event is `SHARES` of them, and a rate of `per_minute` events refills
exactly `per_minute` shares a millisecond. No fraction is ever rounded, so nothing leaks in either direction.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARES = 60_000
"""Shares of one event: the milliseconds of a minute."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many events a minute on average, and at most `burst` of them at once."""

    per_minute: int
    burst: int

    @property
    def capacity(self) -> int:
        return self.burst * SHARES

    @property
    def fill_ms(self) -> int:
        """Milliseconds in which an empty bucket becomes full."""
        return -(-self.capacity // self.per_minute)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left, in shares, at an instant in unix milliseconds."""

    level: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the events may pass now; if not, `wait_ms` until they may, `remaining` whole events either way."""

    allowed: bool
    remaining: int
    wait_ms: int


def full(limit: RateLimit, now_ms: int) -> Bucket:
    """Return the bucket of an account that has sent nothing yet."""
    return Bucket(limit.capacity, now_ms)


def refill(limit: RateLimit, bucket: Bucket, now_ms: int) -> Bucket:
    """Return the bucket as it stands now. A clock that went back refills nothing; a lowered limit cuts the level."""
    elapsed = min(max(now_ms - bucket.at_ms, 0), limit.fill_ms)
    level = min(limit.capacity, bucket.level + elapsed * limit.per_minute)
    return Bucket(level, max(now_ms, bucket.at_ms))


def test(limit: RateLimit, bucket: Bucket, *, cost: int, now_ms: int) -> Verdict:
    """Say whether `cost` events may pass, without taking anything."""
    level = refill(limit, bucket, now_ms).level
    missing = cost * SHARES - level
    wait_ms = 0 if missing <= 0 else -(-missing // limit.per_minute)
    return Verdict(allowed=missing <= 0, remaining=level // SHARES, wait_ms=wait_ms)


def hit(limit: RateLimit, bucket: Bucket, *, cost: int, now_ms: int) -> tuple[Bucket, Verdict]:
    """Take `cost` events when they may pass; a refusal takes nothing."""
    verdict = test(limit, bucket, cost=cost, now_ms=now_ms)
    current = refill(limit, bucket, now_ms)
    if not verdict.allowed:
        return current, verdict
    after = Bucket(current.level - cost * SHARES, current.at_ms)
    return after, Verdict(allowed=True, remaining=after.level // SHARES, wait_ms=0)
