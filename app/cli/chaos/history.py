"""What the clients of a run did and were told: one line before each request, one after each answer, on disk before the next.

A client writes a file of its own, so that no client waits for another's disk. The files are all that the checker knows of
the clients: what was acknowledged is what was on disk when it was.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Kind(StrEnum):
    SENT = "sent"
    ANSWERED = "answered"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. `batch` and `attempt` name a request; `at_ms` is unix milliseconds by the client's clock.

    Of a sent request: account_id, event_ids, idempotency_key. Of an answer: status, and batch_id and accepted (202) or
    problem. Of a cut connection: problem.
    """

    kind: Kind
    batch: str
    attempt: int
    at_ms: int
    account_id: str | None = None
    event_ids: tuple[str, ...] = ()
    idempotency_key: str | None = None
    status: int | None = None
    batch_id: str | None = None
    accepted: int | None = None
    problem: str | None = None


class HistoryLog:
    """One client's file, written before the client goes on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def write(self, entry: Entry) -> None:
        """Returns when the line is on disk."""
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fdatasync(self._file.fileno())


@dataclass(frozen=True, slots=True)
class Receipt:
    """A batch that was answered with 202."""

    account_id: str
    accepted: int


@dataclass(slots=True)
class History:
    """All clients' files, read together.

    sent, acknowledged: event ids by account; acknowledged are those of a 202.
    receipts: by batch id.
    unknown: for each request that may have been carried out without a 202, its account and number of events.
    open: batches that were never answered with 202.
    answers: how many of each status and problem; `cut` for a connection that ended without one.
    slowest_ms: the longest wait for an answer. requests: how many were sent. accepted_at_ms: when each 202 came.
    """

    sent: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    acknowledged: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    receipts: dict[str, Receipt] = field(default_factory=dict)
    unknown: list[Receipt] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    slowest_ms: int = 0
    requests: int = 0
    accepted_at_ms: list[int] = field(default_factory=list)

    @property
    def longest_gap_ms(self) -> int:
        """The longest time in which no client had a 202."""
        times = sorted(self.accepted_at_ms)
        return max((later - earlier for earlier, later in pairwise(times)), default=0)


ACCEPTED = 202
OUTCOME_UNKNOWN = {"timeout", "dependency-unavailable"}
"""Problems after which a batch may have been admitted all the same: the connection that carries the answer can be lost too."""


def read_history(directory: Path, names: str = "*") -> History:
    """Read the files of all clients in the directory, or of those whose names match a pattern."""
    history = History()
    decoder = msgspec.json.Decoder(Entry)
    for path in sorted(directory.glob(f"{names}.ndjson")):
        _add(history, (decoder.decode(line) for line in path.read_bytes().splitlines()))
    return history


def _add(history: History, entries: Iterable[Entry]) -> None:
    requests: dict[tuple[str, int], Entry] = {}
    for entry in entries:
        name = (entry.batch, entry.attempt)
        if entry.kind is Kind.SENT:
            history.requests += 1
            requests[name] = entry
            history.sent[entry.account_id or ""].update(entry.event_ids)
            if entry.attempt == 1:
                history.open.add(entry.batch)
            continue
        request = requests.pop(name)
        account_id = request.account_id or ""
        history.slowest_ms = max(history.slowest_ms, entry.at_ms - request.at_ms)
        if entry.kind is Kind.CUT:
            history.answers["cut"] += 1
        else:
            history.answers[f"{entry.status} {entry.problem}" if entry.problem else f"{entry.status}"] += 1
        if entry.status == ACCEPTED:
            history.accepted_at_ms.append(entry.at_ms)
            history.acknowledged[account_id].update(request.event_ids)
            history.receipts[entry.batch_id or ""] = Receipt(account_id, entry.accepted or 0)
            history.open.discard(entry.batch)
        elif entry.kind is Kind.CUT or entry.problem in OUTCOME_UNKNOWN:
            history.unknown.append(Receipt(account_id, len(request.event_ids)))
    # A request without any answer: the client itself was stopped while it waited.
    history.unknown += [Receipt(request.account_id or "", len(request.event_ids)) for request in requests.values()]
