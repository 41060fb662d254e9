"""Cached summaries in Valkey, shared by all processes; without Valkey everybody reads for himself."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import msgspec

from app.core import keyspace
from app.core.errors import DependencyError
from app.core.valkey import CommandError

if TYPE_CHECKING:
    from app.core.valkey import Valkey
    from ingestion.summary.windows import Window

_REFRESH_MS = 5_000
"""Longest refresh: past it, or when the refresher died, another may begin. Two at once are a waste, not a fault."""
_FAILING_MS = 1_000
"""After a refresh that failed, nobody tries again for so long."""
_AWAY = timedelta(seconds=1)
"""After Valkey was away, nobody waits for it again for so long."""
_REFRESHING, _FAILING = b"refreshing", b"failing"


class CachedSummary(msgspec.Struct, frozen=True):
    """A representation as it was sent. It names what it is of, so that no other is ever taken for it."""

    account_id: str
    window: str
    computed_at: datetime
    etag: str
    body: bytes


class Turn(Enum):
    """Who refreshes a summary."""

    OURS = auto()
    ANOTHERS = auto()
    FAILING = auto()
    """Somebody tried a moment ago and failed."""


class SummaryCache:
    """Keeps representations for `keep_s` seconds. Never raises: a cache that is away is an empty one. Thread-safe."""

    def __init__(self, valkey: Valkey, *, keep_s: int) -> None:
        self._valkey = valkey
        self._keep_s = keep_s
        self._away_until: datetime | None = None

    def get(self, account_id: str, window: Window, *, now: datetime) -> CachedSummary | None:
        value = self._ask(now, ("GET", keyspace.summary(account_id, window)))
        return _read(value, account_id, window)

    def take_turn(self, account_id: str, window: Window, *, now: datetime) -> Turn:
        """Ask whether to refresh; whose turn it is must `put`, `end_turn` or `give_up`."""
        key = keyspace.summary_refresh(account_id, window)
        holder = self._ask(now, ("SET", key, _REFRESHING, "NX", "GET", "PX", _REFRESH_MS))
        if holder is None:
            return Turn.OURS
        return Turn.FAILING if holder == _FAILING else Turn.ANOTHERS

    def turn_taken(self, account_id: str, window: Window, *, now: datetime) -> bool:
        """Tell whether somebody is at it."""
        return bool(self._ask(now, ("GET", keyspace.summary_refresh(account_id, window))) == _REFRESHING)

    def put(self, summary: CachedSummary, *, window: Window, now: datetime) -> None:
        """Keep a summary; that ends the turn."""
        if self._keep_s > 0:
            key = keyspace.summary(summary.account_id, window)
            self._ask(now, ("SET", key, msgspec.msgpack.encode(summary), "EX", self._keep_s))
        self.end_turn(summary.account_id, window, now=now)

    def end_turn(self, account_id: str, window: Window, *, now: datetime) -> None:
        self._ask(now, ("DEL", keyspace.summary_refresh(account_id, window)))

    def give_up(self, account_id: str, window: Window, *, now: datetime) -> None:
        """End the turn, and let nobody have one for a moment."""
        key = keyspace.summary_refresh(account_id, window)
        self._ask(now, ("SET", key, _FAILING, "PX", _FAILING_MS))

    def _ask(self, now: datetime, command: tuple[Any, ...]) -> Any:
        if self._away_until is not None and now < self._away_until:
            return None
        try:
            reply = self._valkey.execute(*command)
        except (DependencyError, CommandError):
            self._away_until = now + _AWAY
            return None
        self._away_until = None
        return reply


def _read(value: bytes | None, account_id: str, window: Window) -> CachedSummary | None:
    """Take nothing on trust: what another release wrote, or what is of another account, is not there."""
    if value is None:
        return None
    try:
        cached = msgspec.msgpack.decode(value, type=CachedSummary)
    except msgspec.DecodeError:
        return None
    return cached if (cached.account_id, cached.window) == (account_id, window) else None
