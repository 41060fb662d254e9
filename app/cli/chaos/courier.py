"""Sends batches over connections of its own, and writes down every request and every answer; repeats each until its 202."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.cli.chaos.history import ACCEPTED, Entry, HistoryLog, Kind
from app.cli.sample_events import batch_body
from app.client import CutError, Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from app.cli.chaos.load import Account


CUT = "cut"
"""What a client notes of a connection that ended without an answer."""
NO_LINKS: Mapping[Account, Link] = {}


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent; `number` must be new in the history, the events may be those of another batch."""

    number: str
    account: Account
    events: Sequence[dict[str, Any]]
    idempotency_key: str | None = None

    @property
    def event_ids(self) -> tuple[str, ...]:
        return tuple(event["event_id"] for event in self.events)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A 202, at monotonic seconds of its request and of its answer."""

    asked: float
    answered: float
    batch_id: str


class Courier:
    """`with Courier(…) as courier: courier.send(batch)`; not for several threads, but for `abandon`.

    `name` must be new in `directory`: it is the name of the file. A Retry-After is heeded up to `longest_wait_s`, so that
    what is measured is the platform's recovery and not the client's patience.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        directory: Path,
        timeout_s: float = 10.0,
        longest_wait_s: float = 0.5,
        links: Mapping[Account, Link] = NO_LINKS,
    ) -> None:
        """`links` are connections that are there already; it makes others where it needs them, and closes all."""
        self.name = name
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[tuple[float, str]] = []
        self._base_url = base_url
        self._path = directory / f"{name}.ndjson"
        self._timeout_s = timeout_s
        self._longest_wait_s = longest_wait_s
        self._links = dict(links)
        self._abandoned = threading.Event()
        self._log: HistoryLog | None = None

    def __enter__(self) -> Self:
        self._log = HistoryLog(self._path)
        return self

    def __exit__(self, *_error: object) -> None:
        for link in self._links.values():
            link.close()
        if self._log is not None:
            self._log.close()

    def abandon(self) -> None:
        """Repeat nothing any more, from any thread."""
        self._abandoned.set()

    def send(self, batch: Batch) -> Acknowledged | None:
        """Send until it is answered with 202; None when it was abandoned."""
        attempt, body = 0, batch_body(batch.events)
        while not self._abandoned.is_set():
            attempt += 1
            asked = time.monotonic()
            entry, wait_s = self._ask(batch, attempt, body)
            if entry.status == ACCEPTED:
                self.acknowledged.append(Acknowledged(asked, time.monotonic(), entry.batch_id or ""))
                return self.acknowledged[-1]
            what = CUT if entry.kind is Kind.CUT else f"{entry.status} {entry.problem}"
            self.refused.append((time.monotonic(), what))
            self._abandoned.wait(min(wait_s, self._longest_wait_s))
        return None

    def _ask(self, batch: Batch, attempt: int, body: bytes) -> tuple[Entry, float]:
        """Send a batch once; what happened, and for how many seconds to wait before the next attempt if it was not a 202."""
        if self._log is None:
            raise RuntimeError("A courier that was not entered cannot send.")
        account = batch.account
        link = self._links.setdefault(account, Link(self._base_url, key=account.key, timeout_s=self._timeout_s))
        self._log.write(
            Entry(
                kind=Kind.SENT,
                batch=batch.number,
                attempt=attempt,
                at_ms=_now_ms(),
                account_id=account.account_id,
                event_ids=batch.event_ids,
                idempotency_key=batch.idempotency_key,
            )
        )
        entry, wait_s = _answer(batch, attempt, body, link)
        self._log.write(entry)
        return entry, wait_s


def _answer(batch: Batch, attempt: int, body: bytes, link: Link) -> tuple[Entry, float]:
    headers = {"Idempotency-Key": batch.idempotency_key} if batch.idempotency_key else {}
    try:
        answer = link.post("/events", body, headers)
    except CutError as error:
        return Entry(kind=Kind.CUT, batch=batch.number, attempt=attempt, at_ms=_now_ms(), problem=str(error)), 0.1
    receipt = answer.json() if answer.status == ACCEPTED else {}
    entry = Entry(
        kind=Kind.ANSWERED,
        batch=batch.number,
        attempt=attempt,
        at_ms=_now_ms(),
        status=answer.status,
        batch_id=receipt.get("batch_id"),
        accepted=receipt.get("accepted"),
        problem=answer.problem,
    )
    return entry, answer.retry_after_s or 0.1


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
