"""Accounts: the paying units that own keys, events and limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.domain.shards import shard_of

if TYPE_CHECKING:
    from app.core.tiers import Overrides

LONGEST_NAME = 200
_TICK = timedelta(microseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account. `named_shard` is its row's own choice of queue shard; None leaves it to its hash.

    `updated_at` moves forward with every change of the account, of its keys or of its tier, whatever the clocks of
    the machines say: it is the revision by which a mirror knows that it is older than another.
    """

    account_id: str
    name: str
    tier: str
    overrides: Overrides
    named_shard: int | None
    ordered: bool
    created_at: datetime
    updated_at: datetime

    @property
    def shard(self) -> int:
        """The queue shard of the account, 0 to 15."""
        return shard_of(self.account_id, self.named_shard)


def forward(now: datetime, *past: datetime) -> datetime:
    """Return an instant after every one in `past`: `now`, unless some machine's clock was ahead of it."""
    return max([now, *(instant + _TICK for instant in past)])


def revision(updated_at: datetime) -> int:
    """Return an `updated_at` as a whole number, microseconds since 1970, which Lua compares exactly until 2255."""
    return (updated_at - _EPOCH) // _TICK


def instant_of(revision: int) -> datetime:
    """Return the `updated_at` that a revision stands for."""
    return _EPOCH + revision * _TICK


def is_name(text: str) -> bool:
    """Tell whether people can read this as a name: 1 to 200 printable characters that are not all spaces."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not text.isspace()
