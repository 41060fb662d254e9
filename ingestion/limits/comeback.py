"""When those may come back who were refused for their account's rate limit, so that they are not refused again.

Each is told the time until his own batch would fit, as if nobody else waited. Of five hundred told the same, one would be
let in and the others refused again, wave after wave. So what was refused lately is remembered as a queue that drains at the
account's rate, and everybody is told a random moment in the second half of the time that it takes until he is let in: then most come when there is room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.limits.token_bucket import RateLimit

LONGEST_MS = 60_000
"""Nobody is sent away for longer on account of others, who may never come back."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Events refused and not yet back, as far as we can tell, at an instant in unix milliseconds."""

    events: float = 0.0
    at_ms: int = 0


def refuse(limit: RateLimit, refused: Refused, *, cost: int, now_ms: int) -> tuple[Refused, float]:
    """Add a refused batch; returns the time, in milliseconds, within which it and those before it may come back."""
    drained = max(now_ms - refused.at_ms, 0) * limit.per_minute / 60_000
    most = LONGEST_MS * limit.per_minute / 60_000
    events = min(max(refused.events - drained, 0.0) + cost, most)
    return Refused(events, now_ms), events * 60_000 / limit.per_minute
