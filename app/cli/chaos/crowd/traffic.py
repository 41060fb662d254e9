"""Who sends what and when, and what came of each request. Values only: they travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from app.cli.sample_events import batch_body, sample_events

ACCEPTED = 202
GARBAGE = b'{"events": [{"event_id": "", "type": 7}, {"payload": "not an object"}'
_MARK = b"@" * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Requests of one account: `at_once` of them every `every_s` seconds from `first_s` on, whatever becomes of them.

    They are due then, and wait for one of the connections; `total` ends them earlier than the clock does. One that `returns`
    sends a refused request again after as long as it was told, and nothing else meanwhile. `client` tells those of one account
    apart.
    """

    account_id: str
    key: str
    every_s: float
    client: str = ""
    first_s: float = 0.0
    events: int = 10
    at_once: int = 1
    connections: int = 1
    garbage: bool = False
    returns: bool = False
    total: int | None = None

    def due_s(self, number: int) -> float:
        """Return when a request is due, in seconds from the start."""
        return self.first_s + number // self.at_once * self.every_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Senders of one process, and where they send: until `seconds` are over, and `patience_s` longer what was refused."""

    base_url: str
    senders: tuple[Sender, ...]
    seconds: float
    cores: frozenset[int]
    seed: str
    patience_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request and its answer. `due_s` and `sent_s` are seconds from the start; `events` is how many it held.

    number: which of its sender's requests. attempt: 0 when it was sent for the first time. status: 0 for a connection that was cut. problem: its slug, empty without one.
    """

    account_id: str
    client: str
    due_s: float
    events: int
    sent_s: float = 0.0
    took_s: float = 0.0
    status: int = 0
    problem: str = ""
    batch_id: str = ""
    number: int = 0
    attempt: int = 0
    retry_after_s: float | None = None

    @classmethod
    def due(cls, sender: Sender, number: int, attempt: int, due_s: float) -> Ask:
        """Return a request that is still to be sent."""
        return cls(
            account_id=sender.account_id,
            client=sender.client,
            due_s=due_s,
            events=sender.events,
            number=number,
            attempt=attempt,
        )

    @property
    def accepted(self) -> bool:
        return self.status == ACCEPTED

    @property
    def late_s(self) -> float:
        """From the moment when it was due until its answer: what waited behind a slow answer counts too."""
        return self.sent_s - self.due_s + self.took_s

    @property
    def answer(self) -> str:
        return f"{self.status} {self.problem}".rstrip() if self.status else "cut"


class Bodies:
    """Bodies of a sender's requests: the same events each time, under ids that nobody used before."""

    def __init__(self, sender: Sender, *, seed: str) -> None:
        self._garbage = sender.garbage
        random = Random(seed)  # noqa: S311 - a run must be repeatable.
        events = sample_events(random, sender.events, at=datetime.now(UTC))
        for number, event in enumerate(events):
            event["event_id"] = f"{_MARK.decode()}{number:04d}"
        self._parts = batch_body(events).split(_MARK)
        self._prefix = f"{random.getrandbits(32):08x}"

    def of(self, number: int) -> bytes:
        """Return the body of a request."""
        if self._garbage:
            return GARBAGE
        return f"{self._prefix}{number:08d}".encode().join(self._parts)
