"""Commands of many threads in one round trip: while one round is under way, the next lines up behind it.

A round trip of its own costs a command two system calls on either side, a turn of Valkey's event loop and, as its log is
written to disk before it answers, a write of its own: 272 µs of Valkey's time for an admission, and 110 in rounds of eight.
Nobody waits for company: the first to come goes alone, and whoever comes meanwhile goes in the round after it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class _Turn:
    """One thread's commands. `woken` is held until they are answered, or until it is this thread's turn to lead a round."""

    __slots__ = ("answer", "error", "leads", "packed", "replies", "woken")

    def __init__(self, packed: bytes, replies: int) -> None:
        self.packed = packed
        self.replies = replies
        self.answer: list[Any] = []
        self.error: Exception | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()


class Together:
    """Thread-safe. `exchange` takes packed commands and how many replies they have, and ends within its own time limit.

    A thread waits for the round before its own and for its own: at most twice that limit.
    """

    def __init__(self, exchange: Callable[[bytes, int], list[Any]]) -> None:
        self._exchange = exchange
        self._lock = threading.Lock()
        self._under_way = False
        self._line: list[_Turn] = []

    def exchange(self, packed: bytes, replies: int) -> list[Any]:
        """Return the replies; raises what the round that carried the commands has raised."""
        turn = _Turn(packed, replies)
        with self._lock:
            leads = not self._under_way
            if leads:
                self._under_way = True
            else:
                self._line.append(turn)
        if not leads:
            turn.woken.acquire()
            leads = turn.leads
        if leads:
            self._lead(turn)
        if turn.error is not None:
            raise turn.error.with_traceback(None)  # Several threads raise it, and each has a way of its own.
        return turn.answer

    def _lead(self, turn: _Turn) -> None:
        """Carry everybody who waits; then wake them, and the first of those who came meanwhile to lead the next round."""
        with self._lock:
            followers, self._line = self._line, []
        try:
            _carry(self._exchange, [turn, *followers])
        finally:
            with self._lock:
                following = self._line.pop(0) if self._line else None
                self._under_way = following is not None
            if following is not None:
                following.leads = True
                following.woken.release()
            for follower in followers:
                follower.woken.release()


def _carry(exchange: Callable[[bytes, int], list[Any]], turns: list[_Turn]) -> None:
    try:
        replies = exchange(b"".join([turn.packed for turn in turns]), sum([turn.replies for turn in turns]))
    except Exception as error:  # noqa: BLE001 - Each of them raises it in its own thread.
        for turn in turns:
            turn.error = error
        return
    at = 0
    for turn in turns:
        turn.answer = replies[at : at + turn.replies]
        at += turn.replies
