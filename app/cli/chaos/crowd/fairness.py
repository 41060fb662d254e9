"""What neighbours of a whale and of a broken client may expect, as rules over what was asked and what was stored. Pure.

Outcomes and order are counted; nothing here depends on how fast a machine is. Times are `app.cli.chaos.crowd.pace`'s.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from app.cli.chaos.checker import EXAMPLES, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from app.cli.chaos.crowd.service_store import Served, Service
    from app.cli.chaos.crowd.traffic import Ask

CIRCUIT_OPEN = "503 circuit-open"
REFUSALS = (429, 503)

NEIGHBOUR_REFUSED = "a neighbour was refused"
NEIGHBOUR_WAITED = "a neighbour waited for the whale's backlog"
NO_BACKLOG = "the whale had no backlog, so nothing was proven"
WHALE_OVER_LIMIT = "the whale got more than its limit"
GARBAGE_READ = "the broken client's requests were read for too long"
NOT_STORED = "accepted but not stored"


@dataclass(frozen=True, slots=True)
class Allowance:
    """A whale's rate limit, in events."""

    per_minute: int
    burst: int

    def most_in(self, seconds: float) -> float:
        return self.burst + self.per_minute / 60 * seconds


def found(rule: str, broken: Iterable[str]) -> list[Finding]:
    """Return a finding for a rule with what broke it; none when nothing did."""
    cases = iter(broken)
    examples = tuple(islice(cases, EXAMPLES))
    return [Finding(rule, len(examples) + sum(1 for _ in cases), examples)] if examples else []


def check_not_refused(asks: Iterable[Ask], neighbours: Collection[str]) -> list[Finding]:
    """No request of a neighbour is refused, for whatever reason."""
    refused = (f"{a.account_id} {a.answer}" for a in asks if a.account_id in neighbours and a.status in REFUSALS)
    return found(NEIGHBOUR_REFUSED, refused)


def check_rate(asks: Sequence[Ask], whale: str, allowance: Allowance) -> list[Finding]:
    """The whale's events fit into its burst and its rate, from its first request until its last answer."""
    own = [ask for ask in asks if ask.account_id == whale]
    accepted = sum(ask.events for ask in own if ask.accepted)
    seconds = max(ask.sent_s + ask.took_s for ask in own) - min(ask.sent_s for ask in own)
    most = allowance.most_in(seconds)
    return found(WHALE_OVER_LIMIT, [f"{accepted:,} events for {most:,.0f}"] if accepted > most else [])


def check_circuit(asks: Iterable[Ask], broken: str, *, read_at_most: int) -> list[Finding]:
    """Once its circuit is open, the broken client's requests are refused unread, but for a probe now and then."""
    read = sum(1 for ask in asks if ask.account_id == broken and ask.answer != CIRCUIT_OPEN)
    return found(GARBAGE_READ, [f"{read} requests for {read_at_most}"] if read > read_at_most else [])


@dataclass(frozen=True, slots=True)
class Queueing:
    """How neighbours fared behind a whale's events: the most that waited when one of theirs came, and that went before it."""

    backlog: int
    overtaken_by: int


def queueing(service: Service, whale: str, neighbours: Collection[str]) -> Queueing:
    """Look at the neighbours' batches on the whale's shard, each against the whale's events that were there before it."""
    own = sorted(
        (batch for batch in service.batches.values() if batch.account_id == whale), key=lambda batch: batch.received_s
    )
    shards = {batch.shard for batch in own}
    line = _Line(own)
    backlog = overtaken_by = 0
    for batch in service.batches.values():
        if batch.account_id in neighbours and batch.shard in shards:
            waiting = line.received_until(batch.received_s) - line.stored_until(batch.received_s)
            left = line.stored_later(batch.received_s, batch.stored_s)
            backlog, overtaken_by = max(backlog, waiting), max(overtaken_by, waiting - left)
    return Queueing(backlog, overtaken_by)


class _Line:
    """The whale's batches in the order of their receipt, with running sums."""

    def __init__(self, batches: Sequence[Served]) -> None:
        self._batches = batches
        self._received = [batch.received_s for batch in batches]
        self._sums = [0, *accumulate(batch.stored for batch in batches)]
        by_storage = sorted(batches, key=lambda batch: batch.stored_s)
        self._stored = [batch.stored_s for batch in by_storage]
        self._stored_sums = [0, *accumulate(batch.stored for batch in by_storage)]

    def received_until(self, moment: float) -> int:
        return self._sums[bisect_left(self._received, moment)]

    def stored_until(self, moment: float) -> int:
        return self._stored_sums[bisect_right(self._stored, moment)]

    def stored_later(self, received: float, stored: float) -> int:
        """Events that were received before a moment and are stored after another."""
        before = self._batches[: bisect_left(self._received, received)]
        return sum(batch.stored for batch in before if batch.stored_s > stored)


def check_queueing(seen: Queueing, *, at_most: int) -> list[Finding]:
    """No more than a bundle or two of the whale's went before a neighbour's batch, out of a backlog much longer than that."""
    if seen.overtaken_by > at_most:
        return found(NEIGHBOUR_WAITED, [f"for {seen.overtaken_by:,} of {seen.backlog:,} events, at most {at_most:,}"])
    return found(NO_BACKLOG, [f"{seen.backlog:,} events"] if seen.backlog < 2 * at_most else [])


def check_stored(asks: Iterable[Ask], service: Service) -> list[Finding]:
    """Every batch of a 202 is stored as a whole, and once."""
    return found(NOT_STORED, _missing(asks, service))


def _missing(asks: Iterable[Ask], service: Service) -> Iterator[str]:
    for ask in asks:
        if ask.accepted:
            batch = service.batches.get(ask.batch_id)
            there = 0 if batch is None else batch.stored + batch.duplicates
            if there != ask.events:
                yield f"{ask.batch_id} of {ask.account_id}: {there} of {ask.events}"
    stored: dict[str, int] = {}
    for served in service.batches.values():
        stored[served.account_id] = stored.get(served.account_id, 0) + served.stored
    for account_id, rows in service.rows.items():
        if rows != stored.get(account_id, 0):
            yield f"{account_id}: {rows} rows, {stored.get(account_id, 0)} by the outcomes"
