"""How fast neighbours were served: percentiles of the 202 and of freshness, loud against quiet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.chaos.crowd.fairness import found

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from app.cli.chaos.checker import Finding
    from app.cli.chaos.crowd.service_store import Service
    from app.cli.chaos.crowd.traffic import Ask

SLOWER_AT_MOST = 2.0
"""The promise: p99 in bad company ÷ p99 alone."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Percentiles in milliseconds of one group of accounts: of the 202, from when the request was due, and of freshness."""

    requests: int
    answer_p50_ms: float
    answer_p99_ms: float
    fresh_p50_ms: float
    fresh_p99_ms: float


def pace_of(asks: Iterable[Ask], service: Service, accounts: Collection[str]) -> Pace:
    """Return the pace of these accounts' accepted requests."""
    own = [ask for ask in asks if ask.account_id in accounts and ask.accepted]
    late = [ask.late_s for ask in own]
    fresh = [served.freshness_s for ask in own if (served := service.batches.get(ask.batch_id)) is not None]
    return Pace(len(own), *(1_000 * percentile(times, share) for times in (late, fresh) for share in (0.5, 0.99)))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not exceeded by this share of them; 0 without any."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1_000) // 1_000) - 1)] if ordered else 0.0


def check_pace(quiet: Pace, loud: Pace) -> list[Finding]:
    """Compare two runs of the same neighbours."""
    pairs = {
        "p99 of the 202": (quiet.answer_p99_ms, loud.answer_p99_ms),
        "p99 of freshness": (quiet.fresh_p99_ms, loud.fresh_p99_ms),
    }
    slower = (
        f"{what} {after:.0f} ms, {before:.0f} ms when quiet"
        for what, (before, after) in pairs.items()
        if after > SLOWER_AT_MOST * before
    )
    return found(f"neighbours are served more than {SLOWER_AT_MOST:g} times slower", slower)
