"""What every fault has at hand, and how it says that it was not what it should have been."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.client import CutError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

    from app.cli.chaos.load import Account, Load
    from app.cli.chaos.mailbox import Mailbox
    from app.platform import Platform

T = TypeVar("T")
POLL_S = 0.02
LATE = (503, 504)
AGAIN_S = 1.0
HIT_TIMEOUT_S = 30.0
OTHER_WORK = 0.05
"""Share of requests that a machine may refuse for other work of its own, such as a disk that keeps Valkey waiting for a second."""


class StrikeError(Exception):
    """The fault did not happen, or was not seen as what it is."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault strikes. `name` begins those of whatever it sends itself; `mailbox` takes the platform's mail."""

    name: str
    platform: Platform
    load: Load
    random: Random
    markers: Path
    accounts: Sequence[Account]
    mailbox: Mailbox | None = None


class Fault(Protocol):
    @property
    def about(self) -> str:
        """A sentence for people."""

    def strike(self, scene: Scene) -> int: ...


def wait_for(
    condition: Callable[[], bool], failure: str, *, timeout_s: float = HIT_TIMEOUT_S, every_s: float = POLL_S
) -> None:
    """Wait until it holds; raises `StrikeError` when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise StrikeError(failure)
        time.sleep(every_s)


def insist(ask: Callable[[], T]) -> T:
    """Ask the operator's API until it is not refused for a dependency that is late just now; only for what may be repeated."""
    deadline = time.monotonic() + HIT_TIMEOUT_S
    while True:
        try:
            return ask()
        except (UnexpectedAnswerError, CutError) as error:
            late = isinstance(error, CutError) or error.answer.status in LATE
            if not late or time.monotonic() > deadline:
                raise
        time.sleep(AGAIN_S)


def check_noticed(load: Load, since: float, *refusals: str) -> None:
    """Raise `StrikeError` unless clients have seen one of these refusals since then, or hardly any at all when there are none.

    That they were too fast for their own rate is nobody's fault but theirs.
    """
    seen = [what for what in load.refusals_after(since) if not what.startswith("429")]
    if not refusals and len(seen) > OTHER_WORK * (len(seen) + load.accepted_since(since)):
        raise StrikeError(
            f"Clients were refused {len(seen)} times although nothing they need was away: {sorted(set(seen))[:3]}"
        )
    if refusals and not set(refusals).intersection(seen):
        raise StrikeError(f"No client saw {' or '.join(refusals)}: {sorted(set(seen))[:3]}")


def check_none_accepted(scene: Scene, since: float) -> None:
    """Raise `StrikeError` when a request that was made since then has its 202."""
    if scene.load.accepted_since(since):
        raise StrikeError("A client was told 202 while there was nothing to write to.")
