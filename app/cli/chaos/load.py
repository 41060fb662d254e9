"""Clients that write down every request and every answer, and repeat a batch with the same ids until it is answered with 202."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Self

from app.cli.chaos.courier import Batch, Courier
from app.cli.sample_events import sample_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.cli.chaos.courier import Acknowledged

LATENESS = (timedelta(0), timedelta(0), timedelta(minutes=7), timedelta(hours=5), timedelta(days=3))
"""How old events are, drawn per batch: buckets of every width fill up in no order."""
MAX_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Account:
    account_id: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What the clients send.

    sizes: events a batch, drawn evenly. pause_s: between a 202 and the next batch. batches: of each client, None without end.
    repeats: share of batches in which events of an earlier one are sent once more, all or some, as after a client's own crash.
    keyed: share of batches with an Idempotency-Key. longest_wait_s: a Retry-After is heeded up to this, so that what is
    measured is the platform's recovery and not the client's patience.
    """

    clients: int = 4
    sizes: Sequence[int] = (1, 10, 50, 200)
    pause_s: float = 0.03
    batches: int | None = None
    repeats: float = 0.1
    keyed: float = 0.3
    timeout_s: float = 10.0
    longest_wait_s: float = 0.5


class Client(threading.Thread):
    """One connection, one file of history."""

    def __init__(
        self,
        name: str,
        base_url: str,
        accounts: Sequence[Account],
        *,
        directory: Path,
        random: Random,
        options: LoadOptions,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.courier = Courier(
            name, base_url, directory=directory, timeout_s=options.timeout_s, longest_wait_s=options.longest_wait_s
        )
        self._accounts = accounts
        self._random = random
        self._options = options
        self._sent: deque[Batch] = deque(maxlen=50)
        self._stopping = threading.Event()

    def run(self) -> None:
        number = 0
        with self.courier:
            while not self._stopping.is_set() and number != self._options.batches:
                number += 1
                batch = self._next_batch(f"{self.name}-{number}")
                self.courier.send(batch)
                self._sent.append(batch)
                self._stopping.wait(self._options.pause_s)

    def finish(self) -> None:
        """Send no further batch."""
        self._stopping.set()

    def abandon(self) -> None:
        """Do not even repeat the one in hand."""
        self._stopping.set()
        self.courier.abandon()

    def _next_batch(self, number: str) -> Batch:
        random = self._random
        at = datetime.now(UTC) - random.choice(LATENESS)
        events = sample_events(random, random.choice(self._options.sizes), at=at)
        account = random.choice(self._accounts)
        if self._sent and random.random() < self._options.repeats:
            old = random.choice(self._sent)
            account, events = old.account, [*old.events, *events][-random.randrange(1, MAX_EVENTS) :]
        key = f"{number}-{random.getrandbits(64):x}" if random.random() < self._options.keyed else None
        return Batch(number, account, events, key)


class Load:
    """Several clients at once: `with Load(…) as load: …; load.finish()`."""

    def __init__(
        self, base_url: str, accounts: Sequence[Account], *, directory: Path, name: str, seed: int, options: LoadOptions
    ) -> None:
        """`name` must be new in `directory`: it begins the names of files and batches, and varies the seed."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.clients = [
            Client(
                f"{name}-{number}",
                base_url,
                accounts,
                directory=directory,
                random=Random(f"{seed} {name} {number}"),  # noqa: S311 - a run must be repeatable.
                options=options,
            )
            for number in range(options.clients)
        ]

    def __enter__(self) -> Self:
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for client in self.clients:
            client.abandon()
        for client in self.clients:
            client.join()

    def finish(self, timeout_s: float = 60.0) -> None:
        """Let every client get its 202 for the batch in hand; after the timeout it is left open, which the checker sees."""
        for client in self.clients:
            client.finish()
        self.join(timeout_s)

    def join(self, timeout_s: float = 60.0) -> None:
        """Wait until every client has sent all its batches."""
        deadline = time.monotonic() + timeout_s
        for client in self.clients:
            client.join(max(0.0, deadline - time.monotonic()))

    def acknowledged_batches(self) -> list[str]:
        """Ids of all batches that have their 202."""
        return [one.batch_id for client in self.clients for one in list(client.courier.acknowledged)]

    def acknowledged_since(self, moment: float) -> list[Acknowledged]:
        """The 202s to requests that were made after `moment`."""
        return [one for client in self.clients for one in list(client.courier.acknowledged) if one.asked >= moment]

    def accepted_since(self, moment: float) -> int:
        """How many requests that were made after `moment` have their 202."""
        return len(self.acknowledged_since(moment))

    def first_accepted_after(self, moment: float) -> float | None:
        """When the first 202 to a request made after `moment` came; monotonic seconds."""
        return min((one.answered for one in self.acknowledged_since(moment)), default=None)

    def refusals_after(self, moment: float) -> list[str]:
        """What else was answered after `moment`: status and problem."""
        return [what for client in self.clients for at, what in list(client.courier.refused) if at >= moment]
