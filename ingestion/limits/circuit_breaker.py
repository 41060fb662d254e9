"""A circuit breaker an account: it opens on a share of bad outcomes, and asks with one probe at a time before it closes.

Outcomes are counted in slots of a sliding window, so the memory of an account is a handful of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

SLOTS = 10
"""Slots of the sliding window: an outcome is forgotten at most a tenth of the window late."""


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When to open: `minimum` outcomes in the window, of which `share` per cent or more are bad.

    `open_ms` is how long it stays open, `probe_ms` how long a probe may take before another may be sent, `successes` how many
    probes in a row close it.
    """

    window_ms: int = 60_000
    minimum: int = 20
    share: int = 50
    open_ms: int = 30_000
    probe_ms: int = 10_000
    successes: int = 3

    @property
    def slot_ms(self) -> int:
        return self.window_ms // SLOTS


@dataclass(frozen=True, slots=True)
class Slot:
    number: int
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one account; times are unix milliseconds. `probe_until` is 0 while no probe is out."""

    state: State = State.CLOSED
    opened_at: int = 0
    probe_until: int = 0
    successes: int = 0
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """May a request pass? As a probe, when the breaker is asking; otherwise after `wait_ms`."""

    allowed: bool
    probe: bool = False
    wait_ms: int = 0


def counted(thresholds: Thresholds, breaker: Breaker, now_ms: int) -> tuple[int, int]:
    """Return the good and the bad outcomes inside the window."""
    number = now_ms // thresholds.slot_ms
    inside = [slot for slot in breaker.slots if number - SLOTS < slot.number <= number]
    return sum(slot.good for slot in inside), sum(slot.bad for slot in inside)


def test(thresholds: Thresholds, breaker: Breaker, now_ms: int) -> Verdict:
    """Say whether a request may pass, without taking the probe."""
    if breaker.state is State.CLOSED:
        return Verdict(allowed=True)
    if breaker.state is State.OPEN:
        left = breaker.opened_at + thresholds.open_ms - now_ms
        return Verdict(allowed=False, wait_ms=left) if left > 0 else Verdict(allowed=True, probe=True)
    left = breaker.probe_until - now_ms
    return Verdict(allowed=False, wait_ms=left) if left > 0 else Verdict(allowed=True, probe=True)


def hit(thresholds: Thresholds, breaker: Breaker, now_ms: int) -> tuple[Breaker, Verdict]:
    """Let a request pass if it may; while the breaker asks, this takes the only probe."""
    verdict = test(thresholds, breaker, now_ms)
    if not verdict.probe:
        return breaker, verdict
    successes = breaker.successes if breaker.state is State.HALF_OPEN else 0
    probe_until = now_ms + thresholds.probe_ms
    return replace(breaker, state=State.HALF_OPEN, probe_until=probe_until, successes=successes), verdict


def record(thresholds: Thresholds, breaker: Breaker, *, good: bool, now_ms: int) -> Breaker:
    """Count the outcome of a request that had passed."""
    if breaker.state is State.HALF_OPEN:
        return _probed(thresholds, breaker, good=good, now_ms=now_ms)
    if breaker.state is State.OPEN:
        # A straggler that had passed before it opened decides nothing.
        return breaker
    counting = replace(breaker, slots=_count(thresholds, breaker, good=good, now_ms=now_ms))
    good_count, bad_count = counted(thresholds, counting, now_ms)
    outcomes = good_count + bad_count
    if outcomes >= thresholds.minimum and bad_count * 100 >= thresholds.share * outcomes:
        return Breaker(state=State.OPEN, opened_at=now_ms)
    return counting


def _probed(thresholds: Thresholds, breaker: Breaker, *, good: bool, now_ms: int) -> Breaker:
    if not good:
        return Breaker(state=State.OPEN, opened_at=now_ms)
    if breaker.successes + 1 >= thresholds.successes:
        return Breaker()
    return replace(breaker, probe_until=0, successes=breaker.successes + 1)


def _count(thresholds: Thresholds, breaker: Breaker, *, good: bool, now_ms: int) -> tuple[Slot, ...]:
    number = now_ms // thresholds.slot_ms
    kept = [slot for slot in breaker.slots if slot.number % SLOTS != number % SLOTS]
    same = next((slot for slot in breaker.slots if slot.number == number), Slot(number, 0, 0))
    return (*kept, replace(same, good=same.good + good, bad=same.bad + (not good)))
