"""How long to wait before the next try: exponential, with full jitter and a cap."""

from __future__ import annotations

from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_RANDOM = SystemRandom()
_LARGEST_EXPONENT = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow by *factor* from *base_s* up to *cap_s* seconds.

    Full jitter (a uniform draw between zero and the ceiling) spreads the retries of many workers evenly, where
    a fixed wait makes them all come back at the same moment
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    base_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 60.0

    def ceiling_s(self, attempt: int) -> float:
        """Return the longest wait before attempt number *attempt* + 1; *attempt* counts from zero."""
        return min(self.cap_s, self.base_s * self.factor ** min(attempt, _LARGEST_EXPONENT))

    def delay_s(self, attempt: int, random: Callable[[], float] = _RANDOM.random) -> float:
        """Draw a wait in seconds; *random* returns a number in [0, 1)."""
        return random() * self.ceiling_s(attempt)
