"""How a platform bore more than it can do, as rules over what was asked, what was stored and how long the queue was. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.chaos.crowd.fairness import found
from app.cli.chaos.crowd.pace import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.cli.chaos.checker import Finding
    from app.cli.chaos.crowd.service_store import Service
    from app.cli.chaos.crowd.traffic import Ask

GOODPUT_AT_LEAST = 0.85
"""The promise: stored under overload ÷ stored at the peak."""
REFUSED_WITHIN_MS = 50.0
CALM_WITHIN_S = 15.0
"""After the overload has ended nobody is refused any more: ten seconds from the worst, by `ingestion.limits.shedding`, and some
for the queue to fall."""
TIERS = ("free", "standard", "enterprise")
"""In the order in which they are refused."""
STATED = ("503 overloaded",)

UNEXPECTED = "an answer that is neither 202 nor `overloaded`"


@dataclass(frozen=True, slots=True)
class Rate:
    """Events a second, and the share of the core that the machine's other work left for them."""

    per_s: float
    share: float

    @property
    def alone(self) -> float:
        """Events a second that it would have been with a core of its own."""
        return self.per_s / self.share


@dataclass(frozen=True, slots=True)
class Borne:
    """What was stored at the peak and in the overload, and the events a second that were offered then.

    peak: before the overload. peak_after: the same once more at the end, when the table has grown by all that was stored meanwhile.
    refused: share of each tier's requests. refusal_p50_ms, refusal_p99_ms: from sending until the refusal. depth: the
    largest share of the queue that was ever full. calm_after_s: from the end of the overload to the last refusal.
    """

    peak: Rate
    peak_after: Rate
    stored: Rate
    offered_per_s: float
    refused: Mapping[str, float]
    refusal_p50_ms: float
    refusal_p99_ms: float
    depth: float
    calm_after_s: float

    @property
    def goodput(self) -> float:
        """Share of what the peak was at that size of the table: the mean of before and after."""
        possible = (self.peak.alone + self.peak_after.alone) / 2
        return self.stored.alone / possible if possible else 0.0

    @property
    def times_over(self) -> float:
        """What was offered ÷ what the share of the core that was left for it could have stored at the peak's pace."""
        return self.offered_per_s / (self.peak.alone * self.stored.share) if self.peak.per_s else 0.0


def refused_shares(asks: Iterable[Ask], tiers: Mapping[str, str]) -> dict[str, float]:
    """Return the share of each tier's requests that was refused; `tiers` by account."""
    sent, refused = Counter[str](), Counter[str]()
    for ask in asks:
        sent[tiers[ask.account_id]] += 1
        refused[tiers[ask.account_id]] += ask.answer in STATED
    return {tier: refused[tier] / sent[tier] for tier in TIERS if sent[tier]}


def refusal_times_ms(asks: Iterable[Ask]) -> tuple[float, float]:
    """Return p50 and p99 of the refusals, in milliseconds."""
    times = [1_000 * ask.took_s for ask in asks if ask.answer in STATED]
    return percentile(times, 0.5), percentile(times, 0.99)


def stored_per_s(asks: Iterable[Ask], service: Service, *, settling_s: float) -> float:
    """Return the events a second that were stored while these were accepted, from so many seconds after the first of them on."""
    received = [service.batches[ask.batch_id].received_s for ask in asks if ask.batch_id in service.batches]
    if not received or max(received) - min(received) <= settling_s:
        return 0.0
    since, until = min(received) + settling_s, max(received)
    events = sum(batch.stored for batch in service.batches.values() if since <= batch.stored_s < until)
    return events / (until - since)


def last_refusal_s(asks: Iterable[Ask]) -> float:
    """Return when the last refusal was answered, in seconds of these asks' clock; 0 without any."""
    return max((ask.sent_s + ask.took_s for ask in asks if ask.answer in STATED), default=0.0)


def check_borne(borne: Borne) -> list[Finding]:
    """Everything that is promised of an overload."""
    shares = [borne.refused.get(tier, 0.0) for tier in TIERS]
    rules = {
        f"goodput below {GOODPUT_AT_LEAST:.0%} of the peak": borne.goodput < GOODPUT_AT_LEAST,
        f"refusals took longer than {REFUSED_WITHIN_MS:g} ms": borne.refusal_p50_ms > REFUSED_WITHIN_MS,
        "the queue was fuller than it may be": borne.depth > 1,
        "a higher tier was refused more than a lower one": shares != sorted(shares, reverse=True),
        "nobody was refused, so nothing was proven": not any(shares),
        f"refusals went on for more than {CALM_WITHIN_S:g} s": borne.calm_after_s > CALM_WITHIN_S,
    }
    return [finding for rule, broken in rules.items() for finding in found(rule, [str(borne)] if broken else [])]


def check_answers(asks: Sequence[Ask]) -> list[Finding]:
    """Return what was answered beside 202 and honest refusals."""
    strange = Counter(ask.answer for ask in asks if not ask.accepted and ask.answer not in STATED)
    return found(UNEXPECTED, (f"{count} x {answer}" for answer, count in strange.most_common()))
