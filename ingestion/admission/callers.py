"""What a process remembers of those who came lately, so that a refusal that is certain costs next to nothing.

It is kept by key, and only of keys that a script has found valid: nobody learns or uses up anything by another's name. It
only ever refuses what the script would refuse, and for so short a time that a change of a limit, or a circuit closed by
hand, holds within seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ingestion.admission.standing import Standing
    from ingestion.admission.verdict import Refusal

LONGEST_S = 2.0
"""A refusal is remembered for so long at most; a change of an account's limits must hold within 5 seconds."""
_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Caller:
    """A valid key. While `until` (unix seconds) lies ahead, `refusal` is what its batches are answered with.

    `suspect` means that its account's circuit was not closed when we last looked: ask before a body is decoded. `events` is how
    many its last admitted batch had.
    """

    standing: Standing
    refusal: Refusal | None = None
    refused_at: float = 0.0
    until: float = 0.0
    suspect: bool = False
    events: int = 1

    @property
    def lane(self) -> str:
        return self.standing.lane


class Callers:
    """Thread-safe: what is lost in a race is learnt again."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}

    def find(self, name: str) -> Caller | None:
        """Return what is known of a key, which is named by its account and the digest of its secret."""
        return self._callers.get(name)

    def refusal_of(self, caller: Caller, now: datetime) -> Refusal | None:
        """Return the refusal that is certain now, with what is left of its wait."""
        at = now.timestamp()
        if caller.refusal is None or not caller.refused_at <= at < caller.until:
            return None
        wait_s = (caller.refusal.retry_after or 0.0) - (at - caller.refused_at)
        return replace(caller.refusal, retry_after=max(wait_s, 0.0))

    def passed(self, name: str, standing: Standing, *, events: int) -> None:
        """Remember a key whose batch of so many events was admitted, or might be."""
        self._put(name, Caller(standing, events=events))

    def refused(self, name: str, refusal: Refusal, now: datetime, *, suspect: bool) -> None:
        """Remember a refusal as long as it is certain."""
        if refusal.standing is None:
            return
        at = now.timestamp()
        lasts_s = min(refusal.known_for_s, LONGEST_S)
        if lasts_s > 0 or suspect:
            # The exception itself would keep the frames of the request alive that it was raised in.
            kept = replace(refusal)
            self._put(name, Caller(refusal.standing, kept, at, at + lasts_s, suspect))

    def suspected(self, name: str, standing: Standing) -> None:
        """Remember that the circuit of a key's account is half open."""
        self._put(name, Caller(standing, suspect=True))

    def forget(self, name: str) -> None:
        """Forget a key that turned out not to be valid any more."""
        self._callers.pop(name, None)

    def _put(self, name: str, caller: Caller) -> None:
        if len(self._callers) >= _MOST and name not in self._callers:
            self._callers.clear()
        self._callers[name] = caller
