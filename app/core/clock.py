"""The time by which requests are counted, and SLOs and alerts evaluated: the real one, unless a demonstration hastens it.

`SLIPSTREAM_CLOCK=RATE@SECONDS` lets it run RATE times as fast from SECONDS on (unix, real time), in every process alike. A
budget's windows are hours long, and nobody watches a demonstration for hours. Events, queues, keys and quotas go by real time.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime

VARIABLE = "SLIPSTREAM_CLOCK"


@dataclass(frozen=True, slots=True)
class Clock:
    """Runs `rate` times as fast as real time since a moment in unix seconds."""

    rate: float = 1.0
    since: float = 0.0

    @classmethod
    def read(cls, text: str) -> Clock:
        """Read what `str` writes; empty text is real time. Raises `ValueError`."""
        if not text:
            return cls()
        rate, _, since = text.partition("@")
        clock = cls(float(rate), float(since))
        if not clock.rate >= 1.0:
            raise ValueError(f"{VARIABLE} must not run slower than real time, and has the rate {rate}")
        return clock

    def __str__(self) -> str:
        return f"{self.rate:g}@{self.since:.3f}"

    def seconds(self) -> float:
        """Return unix seconds by this clock."""
        real = time.time()
        return real if self.rate == 1.0 else self.since + (real - self.since) * self.rate

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)

    def real(self, instant: datetime) -> datetime:
        """Return what real time it is when this clock shows `instant`."""
        shown = instant.timestamp()
        if self.rate == 1.0 or shown < self.since:
            return instant
        return datetime.fromtimestamp(self.since + (shown - self.since) / self.rate, UTC)

    def real_s(self, seconds: float) -> float:
        """Return how many real seconds pass in so many of this clock."""
        return seconds / self.rate


CLOCK = Clock.read(os.environ.get(VARIABLE, ""))
