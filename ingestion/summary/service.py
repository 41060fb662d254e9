"""Summaries as they are sent, fresh or out of the cache.

1. A cached one that is fresh is sent; those of large accounts are for longer (`sources`).
2. An older one has to be refreshed, by one request of all processes; the others get the old one meanwhile. So do all whose
   refresh would be one too many at a time (`Source.refreshes`): many go stale together, and then everybody would wait.
3. Where there is none, or only one that is much older, the others wait for the refresh.
4. When PostgreSQL is away the old one is sent, up to `stale_s`.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from app.core import deadline
from app.core.errors import DependencyError, DependencyUnavailableError
from ingestion.summary.cache import CachedSummary, Turn
from ingestion.summary.windows import Window, bounds, bucket_ranges

if TYPE_CHECKING:
    from ingestion.summary.cache import SummaryCache
    from ingestion.summary.sources import Source, Sources
    from ingestion.summary.summary_store import TypeCount

_GRACE = timedelta(seconds=30)
"""A copy that went stale longer ago than this is for when PostgreSQL is away; until then it is sent during a refresh."""
_LONGEST_WAIT_S = 1.0
"""For another's refresh. One takes milliseconds, so past this the other has died."""
_FIRST_WAIT_S = 0.005
_encode = msgspec.json.Encoder().encode


class CacheState(StrEnum):
    """`X-Cache`: whether the answer was cached, was computed for this request, or is an old one for want of better."""

    HIT = "hit"
    MISS = "miss"
    STALE = "stale"


class Summary(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """What `GET /accounts/{id}/summary` answers.

    `events_per_second` is the mean over the whole window: `total` by the seconds from `from` to `to`.
    """

    account_id: str
    window: Window
    start: datetime
    end: datetime
    total: int
    by_type: dict[str, int]
    first_event_at: datetime | None
    last_event_at: datetime | None
    events_per_second: float
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A representation, how it came about, and how old it is in seconds."""

    body: bytes
    etag: str
    age_s: int
    cache: CacheState


class Summaries:
    """Answers for all accounts; who may read which is the edge's concern."""

    def __init__(self, sources: Sources, cache: SummaryCache, *, stale_s: int) -> None:
        self._sources = sources
        self._cache = cache
        self._stale = timedelta(seconds=stale_s)

    def name(self, account_id: str, window: Window) -> str | None:
        """Return what to read beside the account's limits and give to `read`, if that is possible."""
        return self._cache.name(account_id, window)

    def read(self, account_id: str, window: Window, *, now: datetime, found: bytes | None = None) -> Answer | None:
        """Return the summary of an account; None without such an account. `found` was cached a moment ago.

        Raises `DependencyError` when PostgreSQL is away or too slow and nothing is cached that may still be sent.
        """
        source = self._sources.of(account_id)
        cached = self._cache.read(found, account_id, window) or self._cache.get(account_id, window, now=now)
        if cached is not None and now - cached.computed_at < source.fresh:
            return _answer(cached, CacheState.HIT, now)
        if cached is None or now - cached.computed_at >= source.fresh + _GRACE:
            return self._refreshed(source, account_id, window, cached, now=now)
        if not source.refreshes.acquire(blocking=False):
            return _answer(cached, CacheState.STALE, now)
        try:
            return self._refreshed(source, account_id, window, cached, now=now)
        finally:
            source.refreshes.release()

    def _refreshed(
        self, source: Source, account_id: str, window: Window, cached: CachedSummary | None, *, now: datetime
    ) -> Answer | None:
        turn = self._cache.take_turn(account_id, window, now=now)
        if turn is Turn.ANOTHERS:
            if cached is not None and now - cached.computed_at < source.fresh + _GRACE:
                return _answer(cached, CacheState.STALE, now)
            refreshed = self._wait(account_id, window, now=now)
            if refreshed is not None and now - refreshed.computed_at < source.fresh:
                return _answer(refreshed, CacheState.HIT, now)
        if turn is Turn.FAILING:
            return self._old(cached, now, DependencyUnavailableError("postgresql", "was away a moment ago"))
        try:
            computed = _compute(source, account_id, window, now)
        except DependencyError as error:
            self._cache.give_up(account_id, window, now=now)
            return self._old(cached, now, error)
        if computed is None:
            self._cache.end_turn(account_id, window, now=now)
            return None
        self._cache.put(computed, window=window, now=now)
        return _answer(computed, CacheState.MISS, now)

    def _wait(self, account_id: str, window: Window, *, now: datetime) -> CachedSummary | None:
        until = time.monotonic() + deadline.left(_LONGEST_WAIT_S)
        pause_s = _FIRST_WAIT_S
        while time.monotonic() < until and self._cache.turn_taken(account_id, window, now=now):
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.05)
        return self._cache.get(account_id, window, now=now)

    def _old(self, cached: CachedSummary | None, now: datetime, error: DependencyError) -> Answer:
        if cached is None or now - cached.computed_at > self._stale:
            raise error
        return _answer(cached, CacheState.STALE, now)


def _compute(source: Source, account_id: str, window: Window, now: datetime) -> CachedSummary | None:
    # A replica knows what the primary knew a moment ago, and a summary says as of when.
    as_of = now - source.behind
    counts = source.store.counts(account_id, bucket_ranges(*bounds(window, as_of)))
    if counts is None:
        return None
    body = _encode(_summary(account_id, window, counts, as_of))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return CachedSummary(account_id, window.value, now, etag, body)


def _summary(account_id: str, window: Window, counts: list[TypeCount], as_of: datetime) -> Summary:
    start, end = bounds(window, as_of)
    total = sum(count.events for count in counts)
    return Summary(
        account_id=account_id,
        window=window,
        start=start,
        end=end,
        total=total,
        by_type={count.type: count.events for count in counts},
        first_event_at=min((count.first_at for count in counts), default=None),
        last_event_at=max((count.last_at for count in counts), default=None),
        events_per_second=round(total / window.length.total_seconds(), 6),
        as_of=as_of,
    )


def _answer(cached: CachedSummary, state: CacheState, now: datetime) -> Answer:
    age_s = max(0, int((now - cached.computed_at).total_seconds()))
    return Answer(cached.body, cached.etag, age_s, state)
