"""Where an account's summary is read: large accounts and small ones keep out of each other's way.

Small accounts have connections of their own, and so have large ones, fewer. A large account is read from the replica while
that is current enough; when it is not, or fails, from the primary over the connections of large accounts, never of small ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import SQLAlchemyError

from app.core import deadline
from app.core.errors import DependencyError, OverloadedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.replica import Replica
    from ingestion.summary.account_sizes import AccountSizes
    from ingestion.summary.summary_store import SummaryStore, TypeCount
    from ingestion.summary.windows import BucketRange

_SHARE_OF_REPLICA = 0.5
"""Of what is left of the deadline, so much may be spent on a replica that turns out to be gone; the rest is the primary's."""
_UP_TO_DATE = timedelta(0)
_REFRESHES = 2
"""A process refreshes some hundreds a second by two at a time; more at once only take the interpreter from each other."""


class Counts(Protocol):
    """Counts an account's events in buckets; None without such an account. Raises `DependencyError`."""

    def counts(self, account_id: str, ranges: Sequence[BucketRange]) -> list[TypeCount] | None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read: `fresh` is how long what was read counts as new, `behind` how old it may be when it is read.

    `refreshes` has a place for each answer of which there is an old one that may be computed anew at a time.
    """

    store: Counts
    fresh: timedelta
    behind: timedelta = _UP_TO_DATE
    refreshes: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_REFRESHES), repr=False, compare=False)

    def of(self, _account_id: str) -> Source:
        """Be the one source of all accounts, where there is no other."""
        return self


class Sources(Protocol):
    """Knows each account's source. Takes no time: every request asks."""

    def of(self, account_id: str) -> Source: ...


class SourcesBySize:
    """Small accounts, large accounts, and a replica for the latter if there is one."""

    def __init__(
        self, sizes: AccountSizes, *, small: Source, large: Source, replica: ReplicaFirst | None = None
    ) -> None:
        self._sizes = sizes
        self._small = small
        self._large = large
        self._replica = replica

    def of(self, account_id: str) -> Source:
        if not self._sizes.is_large(account_id):
            return self._small
        lag_s = None if self._replica is None else self._replica.lag_s()
        if self._replica is None or lag_s is None:
            return self._large
        return replace(self._large, store=self._replica, behind=timedelta(seconds=lag_s))


class ReplicaFirst:
    """Reads from a replica, and from the primary when the replica fails."""

    def __init__(self, replica: Replica, store: SummaryStore, primary: SummaryStore) -> None:
        self._replica = replica
        self._store = store
        self._primary = primary

    def lag_s(self) -> float | None:
        return self._replica.lag_s()

    def counts(self, account_id: str, ranges: Sequence[BucketRange]) -> list[TypeCount] | None:
        try:
            with deadline.at_most(_SHARE_OF_REPLICA * deadline.left(math.inf)):
                return self._store.counts(account_id, ranges)
        except OverloadedError:
            # Too many read large accounts: the primary is not there to take what is too much for the replica.
            raise
        except (DependencyError, SQLAlchemyError):
            # The latter also because a standby cancels a statement that stands in the way of its replay (SQLSTATE 40001).
            self._replica.failed()
            return self._primary.counts(account_id, ranges)
