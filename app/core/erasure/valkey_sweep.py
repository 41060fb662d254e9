"""What Valkey knows of an account: keys of its own, and its entries in what is everybody's."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from app.core import keyspace
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.delivery import scheduled_message
from app.core.queue.keys import inflight
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from app.core.erasure.words import Words
    from app.core.queue.stream_huey import StreamHuey
    from app.core.valkey import Valkey

_AT_ONCE = 500
_CLOSED = frozenset({"account", "keys"})
"""Keys that remember for a while that the account is gone, and keep out who read PostgreSQL before that."""


class ValkeySweep:
    """Thread-safe. Methods raise `DependencyError`; what they have done until then stays done."""

    def __init__(self, valkey: Valkey, cache: Valkey, huey: StreamHuey) -> None:
        self._valkey = valkey
        self._cache = cache
        self._huey = huey

    def in_flight(self, account_id: str) -> int:
        """Return the account's events in the queue; on any shard, for it may have moved."""
        held = self._valkey.pipeline([("HGET", inflight(shard), account_id) for shard in range(SHARDS)])
        return sum(int(events or 0) for events in held)

    def sweep(self, account_id: str, words: Words, *, closed_too: bool) -> int:
        """Delete what there is; return how much. With `closed_too` also that it is closed, which counts for nothing."""
        gone = self._delete(self._valkey, account_id, closed_too=closed_too)
        if self._cache is not self._valkey:
            gone += self._delete(self._cache, account_id, closed_too=closed_too)
        gone += int(self._valkey.execute("HDEL", keyspace.directory(), account_id))
        gone += sum(self._leave_out(keyspace.journal(shard), account_id) for shard in range(SHARDS))
        return gone + self._bury(words)

    def _delete(self, valkey: Valkey, account_id: str, *, closed_too: bool) -> int:
        gone = 0
        for name in chain.from_iterable(valkey.scan(f"*:{account_id}*", at_once=_AT_ONCE)):
            # `{s07}:limits:<account>`, `summary:<account>:<window>`: ids have no colon, so a part is the whole of one.
            parts = name.decode(errors="replace").split(":")
            if account_id not in parts[1:]:
                continue
            remembers = parts[1] in _CLOSED
            if closed_too or not remembers:
                valkey.execute("UNLINK", name)
                gone += not remembers
        return gone

    def _leave_out(self, journal: str, account_id: str) -> int:
        """Delete the account's entries from a journal; who carries them on just now may still write them."""
        entries = self._valkey.execute("XRANGE", journal, "-", "+")
        ours = [entry_id for entry_id, fields in entries if account_id.encode() in fields]
        return int(self._valkey.execute("XDEL", journal, *ours)) if ours else 0

    def _bury(self, words: Words) -> int:
        """Forget tasks that were given up, or wait for their time, and were called with the account: there is nothing left for them to do.

        Of others that were given up, what went wrong is told without it.
        """
        letters = DeadLetters(self._huey)
        gone = 0
        for letter in list(letters):
            if self._names(letter.payload, words):
                gone += letters.purge(letter.id)
            elif words.named_within([letter.reason, letter.traceback]):
                gone += letters.retell(letter.id, words.replaced(letter.reason), words.replaced(letter.traceback))
        schedule = self._huey.storage.keys.schedule
        for member in self._valkey.execute("ZRANGE", schedule, 0, -1):
            if self._names(scheduled_message(member), words):
                gone += int(self._valkey.execute("ZREM", schedule, member))
        return gone

    def _names(self, payload: bytes, words: Words) -> bool:
        try:
            return words.named_within(_plain(self._huey.serializer.deserialize(payload)))
        except ValueError:
            return words.named_in(payload.decode(errors="replace"))


def _plain(message: object) -> list[object]:
    """Return what a task was called with."""
    return [getattr(message, "args", None), getattr(message, "kwargs", None)]
