"""The time by which requests are counted, and SLOs and alerts evaluated: the real one, unless a demonstration hastens it.

`SLIPSTREAM_CLOCK=RATE@SECONDS` lets it run RATE times as fast from SECONDS on (unix, real time), in every process alike;
with `RATE@SECONDS+AHEAD` it was so many seconds ahead of real time by then, so that it never goes back where it ran before. A
budget's windows are hours long, and nobody watches a demonstration for hours. Events, queues, keys and quotas go by real time.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

VARIABLE = "SLIPSTREAM_CLOCK"


@dataclass(frozen=True, slots=True)
class Clock:
    """Runs `rate` times as fast as real time since a moment in unix seconds, when it was `ahead_s` ahead of it."""

    rate: float = 1.0
    since: float = 0.0
    ahead_s: float = 0.0

    @classmethod
    def read(cls, text: str) -> Clock:
        """Read what `str` writes; empty text is real time. Raises `ValueError`."""
        if not text:
            return cls()
        rate, _, rest = text.partition("@")
        since, _, ahead_s = rest.partition("+")
        clock = cls(float(rate), float(since), float(ahead_s or 0))
        if not clock.rate >= 1.0:
            raise ValueError(f"{VARIABLE} must not run slower than real time, and has the rate {rate}")
        if not clock.ahead_s >= 0.0:
            raise ValueError(f"{VARIABLE} must not be behind real time, and is ahead of it by {ahead_s} s")
        return clock

    def __str__(self) -> str:
        ahead = f"+{self.ahead_s:.3f}" if self.ahead_s else ""
        return f"{self.rate:g}@{self.since:.3f}{ahead}"

    def seconds(self) -> float:
        """Return unix seconds by this clock."""
        return self.at(time.time())

    def at(self, real_s: float) -> float:
        """Return what this clock shows at a moment of real time; both in unix seconds."""
        if self.rate == 1.0:
            return real_s + self.ahead_s
        return self.since + self.ahead_s + (real_s - self.since) * self.rate

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)

    def real(self, instant: datetime) -> datetime:
        """Return what real time it is when this clock shows `instant`."""
        past_since = instant.timestamp() - self.since - self.ahead_s
        if self.rate == 1.0:
            return instant - timedelta(seconds=self.ahead_s)
        if past_since < 0:
            # Shown before it ran by this rate: long ago, and that is all that is asked of it.
            return min(instant, datetime.fromtimestamp(self.since, UTC))
        return datetime.fromtimestamp(self.since + past_since / self.rate, UTC)

    def real_s(self, seconds: float) -> float:
        """Return how many real seconds pass in so many of this clock."""
        return seconds / self.rate


CLOCK = Clock.read(os.environ.get(VARIABLE, ""))
