"""Requests whose key is not known to be valid: so many, and no more, before anybody looks who they are.

Whoever guesses keys is a stranger each time, and each guess costs him ten times what a request costs. A caller whose key was
valid a few minutes ago is no stranger: nothing that others do, from the same address or from everywhere, keeps him out.
Everything is in the memory of one process, and nothing outside is asked.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from app.core.metrics.limit_metrics import LimitMetrics

FAILURE_COSTS = 10
"""Requests that one with an invalid key counts for, besides itself."""
BURST_S = 10
"""Seconds of the rate that may come at once."""
KNOWN_FOR_S = 600.0
"""So long after it was last valid a key's requests are free."""
_MOST_KNOWN = 100_000
_MOST_ADDRESSES = 50_000


class StrangerLimit(StrEnum):
    """Which of the two limits refused, as the problem's `limit` says."""

    ALL = "strangers"
    ADDRESS = "strangers_of_address"


@dataclass(slots=True)
class _Bucket:
    level: float
    at_s: float


class _Buckets:
    """Token buckets of one rate, each by its name; one that is full is forgotten."""

    def __init__(self, per_second: float, *, most: int) -> None:
        self._per_second = per_second
        self._burst = per_second * BURST_S
        self._most = most
        self._buckets: dict[str, _Bucket] = {}

    def level(self, name: str, now_s: float) -> float:
        bucket = self._buckets.get(name)
        if bucket is None:
            return self._burst
        return min(self._burst, bucket.level + max(now_s - bucket.at_s, 0.0) * self._per_second)

    def take(self, name: str, tokens: float, now_s: float) -> None:
        """Take tokens, also those that are not there yet: whoever guesses goes into debt."""
        if len(self._buckets) >= self._most and name not in self._buckets:
            self._buckets = {
                name: bucket for name, bucket in self._buckets.items() if self.level(name, now_s) < self._burst
            }
            if len(self._buckets) >= self._most:
                self._buckets.clear()
        self._buckets[name] = _Bucket(max(self.level(name, now_s) - tokens, -self._burst), now_s)

    def wait_s(self, name: str, now_s: float) -> float:
        """Return the seconds until a token is there."""
        return max(0.0, (1 - self.level(name, now_s)) / self._per_second)


class Strangers:
    """Thread-safe; one a process. `now_s` is in monotonic seconds; a rate of 0 is no limit."""

    def __init__(self, *, per_second: int, per_address_per_second: int, metrics: LimitMetrics) -> None:
        self._all = _Buckets(per_second, most=1) if per_second else None
        self._addresses = _Buckets(per_address_per_second, most=_MOST_ADDRESSES) if per_address_per_second else None
        self._metrics = metrics
        self._known: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def knows(self, caller: bytes, now_s: float) -> bool:
        """Tell whether a caller, named by a digest of what he authenticates by, is no stranger."""
        return now_s - self._known.get(caller, -KNOWN_FOR_S) < KNOWN_FOR_S

    def enter(self, address: str | None, now_s: float) -> None:
        """Let a stranger in; `address` is None when it is not known. Raises `Problem` (rate-limit-exceeded)."""
        with self._lock:
            limits = self._limits(address)
            for limit, buckets, name in limits:
                wait_s = buckets.wait_s(name, now_s)
                if wait_s:
                    self._metrics.stranger_refused(limit)
                    raise _refusal(limit, wait_s)
            for _, buckets, name in limits:
                buckets.take(name, 1, now_s)

    def known(self, caller: bytes, now_s: float) -> None:
        """Remember a caller whose key is valid."""
        if len(self._known) >= _MOST_KNOWN and caller not in self._known:
            self._known.clear()
        self._known[caller] = now_s

    def failed(self, caller: bytes, address: str | None, now_s: float) -> None:
        """Charge for a key that is not valid."""
        self._known.pop(caller, None)
        with self._lock:
            for _, buckets, name in self._limits(address):
                buckets.take(name, FAILURE_COSTS, now_s)

    def _limits(self, address: str | None) -> list[tuple[StrangerLimit, _Buckets, str]]:
        limits = []
        if self._addresses is not None and address is not None:
            limits.append((StrangerLimit.ADDRESS, self._addresses, address))
        if self._all is not None:
            limits.append((StrangerLimit.ALL, self._all, ""))
        return limits


def _refusal(limit: StrangerLimit, wait_s: float) -> Problem:
    where = "your address" if limit is StrangerLimit.ADDRESS else "everywhere"
    detail = (
        f"Too many requests come from {where} without a key that was valid lately. Check yours before you come back."
    )
    return Problem(ProblemType.RATE_LIMIT_EXCEEDED, detail, retry_after=wait_s, limit=limit.value)
