"""Sends a file of events: in batches, each account's with its own key, as often as it takes, and safely again.

An event without an id gets one from its line's number and content, so that sending the same file twice stores it once.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.client import CutError, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_BYTES = 4_000_000
"""Below the platform's 5 MB a request."""
ACCEPTED = 202
INVALID_EVENTS = 422
PASSING = {408, 409, 425, 429, 500, 502, 503, 504}
LONGEST_WAIT_S = 30.0


class SendingError(Exception):
    """Sending the rest makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event and where it stood, counted from one."""

    number: int
    event: dict[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was refused for good."""

    line: int
    reason: str


@dataclass(slots=True)
class Progress:
    """What became of the file so far. `waits` counts the times the platform asked for patience or was away."""

    accepted: int = 0
    batches: int = 0
    waits: int = 0
    refused: list[Refused] = field(default_factory=list)
    batch_ids: list[str] = field(default_factory=list)


class Sender:
    """Sends to one platform with one key an account; `watch` is called after every batch."""

    def __init__(
        self,
        base_url: str,
        keys: Mapping[str, str],
        *,
        give_up_after_s: float = 300.0,
        watch: Callable[[Progress], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.progress = Progress()
        self._links = {account_id: Link(base_url, key=key) for account_id, key in keys.items()}
        self._give_up_after_s = give_up_after_s
        self._watch = watch
        self._sleep = sleep

    def send(self, lines: Iterable[bytes], *, batch_size: int) -> Progress:
        """Send every line; returns when each is accepted or refused. Raises `SendingError`."""
        waiting: dict[str, list[Line]] = {account_id: [] for account_id in self._links}
        sizes = Counter[str]()
        for line in self._read(lines):
            account_id = self._account_of(line)
            batch = waiting[account_id]
            if len(batch) >= batch_size or sizes[account_id] + line.size > MAX_BYTES:
                self._settle(account_id, batch)
                batch.clear()
                sizes[account_id] = 0
            batch.append(line)
            sizes[account_id] += line.size
        for account_id, batch in waiting.items():
            self._settle(account_id, batch)
        return self.progress

    def close(self) -> None:
        for link in self._links.values():
            link.close()

    def _read(self, lines: Iterable[bytes]) -> Iterator[Line]:
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                event = json.loads(text)
            except ValueError as error:
                self.progress.refused.append(Refused(number, f"not JSON: {error}"))
                continue
            if not isinstance(event, dict):
                self.progress.refused.append(Refused(number, "not a JSON object"))
                continue
            event.setdefault("event_id", hashlib.sha256(b"%d:%s" % (number, text.strip())).hexdigest())
            yield Line(number, event, len(text))

    def _account_of(self, line: Line) -> str:
        account_id = line.event.get("account_id")
        if account_id is None and len(self._links) == 1:
            return next(iter(self._links))
        if account_id not in self._links:
            raise SendingError(f"line {line.number}: there is no key of account {account_id!r}")
        return str(account_id)

    def _settle(self, account_id: str, batch: list[Line]) -> None:
        """Send a batch until it is accepted, without the events that are refused for good."""
        left = list(batch)
        attempt, since = 0, time.monotonic()
        while left:
            attempt += 1
            try:
                answer = self._links[account_id].post("/events", _body(left))
            except CutError as error:
                wait_s, reason = _backoff_s(attempt), str(error)
            else:
                if answer.status == ACCEPTED:
                    self.progress.accepted += len(left)
                    self.progress.batches += 1
                    self.progress.batch_ids.append(answer.json()["batch_id"])
                    break
                if answer.status == INVALID_EVENTS and (bad := _bad_events(answer.json())):
                    self.progress.refused += [Refused(left[index].number, reason) for index, reason in bad.items()]
                    left = [line for index, line in enumerate(left) if index not in bad]
                    continue
                if answer.status not in PASSING:
                    raise SendingError(f"lines {left[0].number} to {left[-1].number}: {_said(answer.body)}")
                wait_s, reason = answer.retry_after_s or _backoff_s(attempt), _said(answer.body)
            if time.monotonic() + wait_s - since > self._give_up_after_s:
                raise SendingError(f"gave up after {self._give_up_after_s:g} s: {reason}")
            self.progress.waits += 1
            self._sleep(wait_s)
        self._watch(self.progress)


def _body(lines: list[Line]) -> bytes:
    return json.dumps({"events": [line.event for line in lines]}, separators=(",", ":"), ensure_ascii=False).encode()


def _bad_events(problem: Mapping[str, Any]) -> dict[int, str]:
    """Index of each bad event → what is wrong with it."""
    bad: dict[int, str] = {}
    for error in problem.get("errors", []):
        reason = f"{error.get('field', '')}: {error.get('detail', '')}".removeprefix(": ")
        bad[error["index"]] = f"{bad[error['index']]}; {reason}" if error["index"] in bad else reason
    return bad


def _said(body: bytes) -> str:
    try:
        problem = json.loads(body)
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace")


def _backoff_s(attempt: int) -> float:
    """Full jitter: a draw from zero to a ceiling that doubles, so that many senders do not come back together."""
    return random.uniform(0, min(LONGEST_WAIT_S, 0.5 * 2 ** min(attempt, 10)))  # noqa: S311 - no secret.
