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
    probes in a row close it. As a tuple they are what scripts are given.
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

    def as_tuple(self) -> tuple[int, int, int, int, int, int]:
        """Return the thresholds in the order in which scripts name them."""
        return self.window_ms, self.minimum, self.share, self.open_ms, self.probe_ms, self.successes


@dataclass(frozen=True, slots=True)
class Slot:
    number: int
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one account; times are unix milliseconds.

    `probe_until` is 0 while no probe is out. While one is, it is the end of its time and also its name: the token by which
    its outcome is told from those of other requests.
    """

    state: State = State.CLOSED
    opened_at: int = 0
    probe_until: int = 0
    successes: int = 0
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """May a request pass? If not, after `wait_ms`. `token` is not 0 when it passes as the probe, and is the probe's name."""

    allowed: bool
    token: int = 0
    wait_ms: int = 0


def counted(thresholds: Thresholds, breaker: Breaker, now_ms: int) -> tuple[int, int]:
    """Return the good and the bad outcomes inside the window."""
    number = now_ms // thresholds.slot_ms
    inside = [slot for slot in breaker.slots if number - SLOTS < slot.number <= number]
    return sum(slot.good for slot in inside), sum(slot.bad for slot in inside)


def test(thresholds: Thresholds, breaker: Breaker, now_ms: int, *, token: int) -> Verdict:
    """Say whether a request may pass, without taking the probe. `token` is what it took the probe under before, else 0."""
    if breaker.state is State.CLOSED:
        return Verdict(allowed=True)
    if _is_probe(breaker, token):
        return Verdict(allowed=True, token=token)
    until = breaker.opened_at + thresholds.open_ms if breaker.state is State.OPEN else breaker.probe_until
    if until > now_ms:
        return Verdict(allowed=False, wait_ms=until - now_ms)
    return Verdict(allowed=True, token=now_ms + thresholds.probe_ms)


def hit(thresholds: Thresholds, breaker: Breaker, now_ms: int) -> tuple[Breaker, Verdict]:
    """Let a request pass if it may; while the breaker asks, this takes the only probe."""
    verdict = test(thresholds, breaker, now_ms, token=0)
    if not verdict.token:
        return breaker, verdict
    successes = breaker.successes if breaker.state is State.HALF_OPEN else 0
    return replace(breaker, state=State.HALF_OPEN, probe_until=verdict.token, successes=successes), verdict


def release(breaker: Breaker, token: int) -> Breaker:
    """Give the probe back: its request was neither good nor bad."""
    return replace(breaker, probe_until=0) if _is_probe(breaker, token) else breaker


def record(thresholds: Thresholds, breaker: Breaker, *, good: bool, now_ms: int, token: int = 0) -> Breaker:
    """Count the outcome of a request that had passed, and of the probe when `token` is its.

    A straggler that had passed before the breaker opened decides nothing; and only a bad outcome opens it.
    """
    if breaker.state is State.HALF_OPEN and _is_probe(breaker, token):
        return _probed(thresholds, breaker, good=good, now_ms=now_ms)
    if breaker.state is not State.CLOSED:
        return breaker
    counting = replace(breaker, slots=_count(thresholds, breaker, good=good, now_ms=now_ms))
    good_count, bad_count = counted(thresholds, counting, now_ms)
    outcomes = good_count + bad_count
    if not good and outcomes >= thresholds.minimum and bad_count * 100 >= thresholds.share * outcomes:
        return Breaker(state=State.OPEN, opened_at=now_ms)
    return counting


def _is_probe(breaker: Breaker, token: int) -> bool:
    return breaker.state is State.HALF_OPEN and token != 0 and token == breaker.probe_until


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
