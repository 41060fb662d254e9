"""Compares what clients were told with what the platform has, as sets of ids and sums of integers. Pure.

The promises, each one a rule below:
1. Every event of a 202 is stored, or is a dead letter that PostgreSQL really refuses.
2. No event is stored twice: there are as many rows as ids, and as many as the outcomes of all batches say.
3. Every batch of a 202 has one outcome, and it accounts for as many events as the answer said.
4. accepted = stored + duplicates + dead + in flight, with accepted as admission counted it, and as the clients logged it.
5. The rollups say what a recount of the events says.
6. Every batch is answered with 202 in the end; until then with nothing but refusals that say when to come back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from app.cli.chaos.history import History

HONEST_ANSWERS = ("202", "409 ", "429 ", "503 ", "504 ", "cut")
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the platform wrote down about one batch."""

    account_id: str
    stored: int
    duplicates: int
    dead: int

    @property
    def total(self) -> int:
        return self.stored + self.duplicates + self.dead


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`refusal` is what PostgreSQL said when it was asked once more, or None when it took the event."""

    account_id: str
    batch_id: str
    event_id: str | None
    reason: str
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the platform has, once nothing moves any more.

    stored: ids by account; rows: rows by account.
    outcomes: by batch id.
    rollup_differences: sentences, one for each bucket that differs from a recount.
    accepted: events that admission counted.
    in_flight, counted_in_flight: events that still wait in the queue's streams, and what its own counters say of them.
    """

    stored: Mapping[str, set[str]]
    rows: Mapping[str, int]
    outcomes: Mapping[str, Outcome]
    dead_letters: tuple[DeadLetter, ...]
    rollup_differences: tuple[str, ...]
    accepted: int
    in_flight: int
    counted_in_flight: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise: which rule, how often, and some examples."""

    rule: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule}: {self.count} ({'; '.join(self.examples)})"


def check(history: History, evidence: Evidence) -> list[Finding]:
    """Every broken promise; an empty list is the proof."""
    rules = {
        "acknowledged but neither stored nor dead": _lost(history, evidence),
        "dead although PostgreSQL takes it": _wrongly_dead(evidence),
        "stored twice": _stored_twice(evidence),
        "stored but never sent": _uninvited(history, evidence),
        "batch not accounted for": _unaccounted(history, evidence),
        "outcome of a batch nobody sent": _strange_outcomes(history, evidence),
        "dead letters that differ from the outcome": _dead_letters_missing(evidence),
        "balance off": _balance(history, evidence),
        "queue's counters differ from its streams": _counters(evidence),
        "rollup differs from a recount": iter(evidence.rollup_differences),
        "batch never answered with 202": iter(sorted(history.open)),
        "answer that is neither 202 nor an honest refusal": _bad_answers(history),
    }
    return [finding for rule, broken in rules.items() if (finding := _finding(rule, broken))]


def _finding(rule: str, broken: Iterable[str]) -> Finding | None:
    cases = iter(broken)
    examples = tuple(islice(cases, EXAMPLES))
    return Finding(rule, len(examples) + sum(1 for _ in cases), examples) if examples else None


def _lost(history: History, evidence: Evidence) -> Iterator[str]:
    dead: Counter[tuple[str, str | None]] = Counter((d.account_id, d.event_id) for d in evidence.dead_letters)
    for account_id, acknowledged in history.acknowledged.items():
        for event_id in sorted(acknowledged - evidence.stored.get(account_id, set())):
            if (account_id, event_id) not in dead:
                yield f"{account_id} {event_id}"


def _wrongly_dead(evidence: Evidence) -> Iterator[str]:
    for letter in evidence.dead_letters:
        if letter.refusal is None:
            yield f"{letter.account_id} {letter.event_id} of {letter.batch_id}, {letter.reason}"


def _stored_twice(evidence: Evidence) -> Iterator[str]:
    counted = Counter[str]()
    for outcome in evidence.outcomes.values():
        counted[outcome.account_id] += outcome.stored
    for account_id in sorted(evidence.rows.keys() | counted.keys()):
        rows, ids = evidence.rows.get(account_id, 0), len(evidence.stored.get(account_id, ()))
        if not rows == ids == counted[account_id]:
            yield f"{account_id}: {rows} rows, {ids} ids, {counted[account_id]} by the outcomes"


def _uninvited(history: History, evidence: Evidence) -> Iterator[str]:
    for account_id, stored in evidence.stored.items():
        for event_id in sorted(stored - history.sent.get(account_id, set())):
            yield f"{account_id} {event_id}"


def _unaccounted(history: History, evidence: Evidence) -> Iterator[str]:
    for batch_id, receipt in history.receipts.items():
        outcome = evidence.outcomes.get(batch_id)
        if outcome is None:
            yield f"{batch_id} has no outcome"
        elif (outcome.account_id, outcome.total) != (receipt.account_id, receipt.accepted):
            yield f"{batch_id} of {receipt.account_id} accepted {receipt.accepted}, has {outcome}"


def _strange_outcomes(history: History, evidence: Evidence) -> Iterator[str]:
    """Outcomes without a receipt, beyond the requests whose answer never came."""
    unknown = Counter((request.account_id, request.accepted) for request in history.unknown)
    for batch_id, outcome in evidence.outcomes.items():
        if batch_id not in history.receipts:
            kind = (outcome.account_id, outcome.total)
            unknown[kind] -= 1
            if unknown[kind] < 0:
                yield f"{batch_id} {outcome}"


def _dead_letters_missing(evidence: Evidence) -> Iterator[str]:
    letters = Counter(letter.batch_id for letter in evidence.dead_letters)
    for batch_id, outcome in evidence.outcomes.items():
        if outcome.dead != letters[batch_id]:
            yield f"{batch_id}: {outcome.dead} by the outcome, {letters[batch_id]} letters"


def _balance(history: History, evidence: Evidence) -> Iterator[str]:
    accounted = sum(outcome.total for outcome in evidence.outcomes.values()) + evidence.in_flight
    if accounted != evidence.accepted:
        yield f"admission accepted {evidence.accepted}, stored + duplicates + dead + in flight is {accounted}"
    receipts = sum(receipt.accepted for receipt in history.receipts.values())
    unknown = sum(request.accepted for request in history.unknown)
    if not receipts <= accounted <= receipts + unknown:
        yield f"clients were told {receipts} (and not told about {unknown}), stored + duplicates + dead + in flight is {accounted}"


def _counters(evidence: Evidence) -> Iterator[str]:
    if evidence.counted_in_flight != evidence.in_flight:
        yield f"{evidence.counted_in_flight} for {evidence.in_flight}"


def _bad_answers(history: History) -> Iterator[str]:
    for answer, count in sorted(history.answers.items()):
        if not answer.startswith(HONEST_ANSWERS):
            yield f"{answer} ({count} times)"
