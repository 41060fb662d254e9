"""Cached summaries in Valkey, shared by all processes; without Valkey everybody reads for himself.

The server may be the queue's, which never evicts: so what an account keeps here is bounded (a summary for each of four
windows, of at most a megabyte), all of it expires, and nothing is added once half of the server's memory is in use.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from app.core import keyspace
from app.core.errors import DependencyError
from app.core.valkey import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.valkey import Valkey
    from ingestion.summary.windows import Window

_REFRESH_MS = 5_000
"""Longest refresh: past it, or when the refresher died, another may begin. Two at once are a waste, not a fault."""
_FAILING_MS = 1_000
"""After a refresh that failed, nobody tries again for so long."""
_AWAY = timedelta(seconds=1)
"""After Valkey was away, nobody waits for it again for so long."""
LARGEST_VALUE = 1_000_000
"""Bytes of a cached summary: some 20,000 event types. A larger one is computed for each request."""
_SHARE_OF_MEMORY = 0.5
_ROOM_KNOWN = timedelta(seconds=1)
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

    def __init__(self, valkey: Valkey, *, keep_s: int, beside_limits: bool = False) -> None:
        """`beside_limits`: it is where the accounts' limits are, so that one round trip to a server reads both."""
        self._valkey = valkey
        self._unlogged = valkey.script(files("ingestion.summary").joinpath("unlogged.lua").read_text("utf-8"))
        self._keep_s = keep_s
        self._beside_limits = beside_limits
        self._away_until: datetime | None = None
        self._room: tuple[datetime, bool] | None = None

    def name(self, account_id: str, window: Window) -> str | None:
        """Return the name to read beside an account's limits, for `read`; None when the cache is elsewhere."""
        return keyspace.summary(account_id, window) if self._beside_limits else None

    def get(self, account_id: str, window: Window, *, now: datetime) -> CachedSummary | None:
        value = self._ask(now, ("GET", keyspace.summary(account_id, window)))
        return self.read(value, account_id, window)

    @staticmethod
    def read(value: bytes | None, account_id: str, window: Window) -> CachedSummary | None:
        """Take nothing on trust: what another release wrote, or what is of another account, is not there."""
        if value is None:
            return None
        try:
            cached = msgspec.msgpack.decode(value, type=CachedSummary)
        except msgspec.DecodeError:
            return None
        return cached if (cached.account_id, cached.window) == (account_id, window) else None

    def take_turn(self, account_id: str, window: Window, *, now: datetime) -> Turn:
        """Ask whether to refresh; whose turn it is must `put`, `end_turn` or `give_up`."""
        key = keyspace.summary_refresh(account_id, window)
        holder = self._change(now, "SET", key, _REFRESHING, "NX", "GET", "PX", _REFRESH_MS)
        if holder is None:
            return Turn.OURS
        return Turn.FAILING if holder == _FAILING else Turn.ANOTHERS

    def turn_taken(self, account_id: str, window: Window, *, now: datetime) -> bool:
        """Tell whether somebody is at it."""
        return bool(self._ask(now, ("GET", keyspace.summary_refresh(account_id, window))) == _REFRESHING)

    def put(self, summary: CachedSummary, *, window: Window, now: datetime) -> None:
        """Keep a summary, if there is room for it; that ends the turn."""
        value = msgspec.msgpack.encode(summary)
        if self._keep_s > 0 and len(value) <= LARGEST_VALUE and self._has_room(now):
            self._change(now, "SET", keyspace.summary(summary.account_id, window), value, "EX", self._keep_s)
        self.end_turn(summary.account_id, window, now=now)

    def end_turn(self, account_id: str, window: Window, *, now: datetime) -> None:
        self._change(now, "DEL", keyspace.summary_refresh(account_id, window))

    def give_up(self, account_id: str, window: Window, *, now: datetime) -> None:
        """End the turn, and let nobody have one for a moment."""
        key = keyspace.summary_refresh(account_id, window)
        self._change(now, "SET", key, _FAILING, "PX", _FAILING_MS)

    def _has_room(self, now: datetime) -> bool:
        """Tell whether every server has memory for us, as it was a second ago at most."""
        if self._room is None or abs(now - self._room[0]) >= _ROOM_KNOWN:
            room = self._unless_away(now, self._room_everywhere)
            if room is None:
                return False
            self._room = (now, room)
        return self._room[1]

    def _room_everywhere(self) -> bool:
        return all(_room_in(server.execute("INFO", "memory").decode()) for server in self._valkey.servers())

    def _ask(self, now: datetime, command: tuple[Any, ...]) -> Any:
        return self._unless_away(now, partial(self._valkey.execute, *command))

    def _change(self, now: datetime, command: str, key: str, *args: str | bytes | float) -> Any:
        """Run a command past the log: what is lost with a restart is computed again."""
        return self._unless_away(now, partial(self._unlogged, (key,), (command, *args)))

    def _unless_away(self, now: datetime, ask: Callable[[], Any]) -> Any:
        if self._away_until is not None and now < self._away_until:
            return None
        try:
            reply = ask()
        except (DependencyError, CommandError):
            self._away_until = now + _AWAY
            return None
        self._away_until = None
        return reply


def _room_in(info: str) -> bool:
    """Read a server's account of its memory: one that evicts, or has no limit, has always room."""
    facts = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    if facts.get("maxmemory_policy") != "noeviction" or not int(facts["maxmemory"]):
        return True
    return int(facts["used_memory"]) < _SHARE_OF_MEMORY * int(facts["maxmemory"])
