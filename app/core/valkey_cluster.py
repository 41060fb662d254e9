"""A Valkey Cluster as if it were one server: each command goes to the master of its key's slot.

Which master has which slots is read from any of them and kept. Whoever does not have a slot any more says so (`MOVED`) and
has then done nothing, so the command goes on to the one it names; a connection that is lost, or no answer, has the map read
again before the next command, and leaves unknown what became of this one, as with a single server.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import hiredis

from app.core.errors import DependencyError, DependencyUnavailableError
from app.core.valkey_commands import units_of
from app.core.valkey_connection import UnreachableError, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.valkey_commands import Command, Unit
    from app.core.valkey_connection import Address
    from app.core.valkey_node import Node

SLOTS = 16_384
WHO_HAS_WHAT = pack(("CLUSTER", "SLOTS"))
_TO_ANY = frozenset({"PING", "TIME", "ECHO"})
_WITHOUT_KEY = _TO_ANY | {"SCRIPT", "FLUSHALL"}
_MOST_HOPS = 5
_REST_S = 0.5
"""While a master is away the others are asked who has its slots, by one thread and so often."""


class Cluster:
    """Thread-safe. Replies may be errors: `hiredis.ReplyError` of a server, `DependencyError` of one that gave none."""

    def __init__(self, seed: Node, slots: Sequence[Any], *, open_node: Callable[[Address], Node]) -> None:
        """`slots` is what the seed, which may be any node, answered to `WHO_HAS_WHAT`."""
        self._seed = seed
        self._open_node = open_node
        self._lock = threading.Lock()
        self._nodes: dict[tuple[str, int], Node] = {}
        self._owners = [seed] * SLOTS
        self._masters = [seed]
        self._knowing = seed
        self._failed: Node | None = None
        self._stale = False
        self._rests_until = 0.0
        self._read(slots, seed)

    def replies(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands; the replies are in their order, whichever servers they are of."""
        if self._stale:
            self._look_again()
        if len(commands) == 1 and commands[0][0] in _WITHOUT_KEY:
            return [self._without_key(commands[0])]
        replies: list[Any] = [None] * len(commands)
        waiting = [(unit, self._owners[unit.slot], False) for unit in units_of(commands)]
        for _ in range(_MOST_HOPS):
            again = []
            for node, asking, units in _by_server(waiting):
                for unit, answer in zip(units, self._ask(node, units, asking=asking), strict=True):
                    replies[unit.at : unit.at + len(answer)] = answer
                    if (onward := self._onward(unit, node, answer)) is not None:
                        again.append((unit, *onward))
            if not again:
                break
            waiting = again
        return replies

    def masters(self) -> list[Node]:
        """Return those who have slots, as they are now. Raises `DependencyUnavailableError` when nobody can tell."""
        if not self._look_again(at_once=True):
            raise DependencyUnavailableError("valkey", "no node of the cluster answers")
        return self._masters

    def forget(self) -> None:
        """Close this thread's connections."""
        for node in (self._seed, *self._nodes.values()):
            node.forget()

    def _without_key(self, command: Command) -> Any:
        """Ask all masters, or in turn until one answers. Who is away now needs no script, and hears of it when he does."""
        said: Any = None
        for node in self._masters:
            try:
                (reply,) = node.exchange(pack(command), 1)
            except DependencyError as error:
                self._lost(node)
                reply = error
            if not isinstance(reply, Exception):
                said = reply
                if command[0] in _TO_ANY:
                    break
            elif said is None:
                said = reply
        return said

    def _ask(self, node: Node, units: Sequence[Unit], *, asking: bool) -> list[list[Any]]:
        """Return the replies to each unit."""
        ask = [("ASKING",)] if asking else []
        sizes = [len(ask) + len(unit.commands) for unit in units]
        packed = b"".join([pack(command) for unit in units for command in (*ask, *unit.commands)])
        try:
            received = node.exchange(packed, sum(sizes))
        except DependencyError as error:
            self._lost(node)
            received = [error] * sum(sizes)
        answers = []
        for size in sizes:
            answers.append(received[len(ask) : size])
            received = received[size:]
        return answers

    def _onward(self, unit: Unit, node: Node, answer: Sequence[Any]) -> tuple[Node, bool] | None:
        """Return whom to ask instead, and whether only this once; None when it is answered."""
        for reply in answer:
            if isinstance(reply, hiredis.ReplyError):
                word, _, rest = str(reply).partition(" ")
                if word in {"MOVED", "ASK"}:
                    other = self._named(rest.split()[1], node)
                    if word == "MOVED":
                        self._owners[unit.slot] = self._knowing = other
                        self._stale = True
                    return other, word == "ASK"
            elif isinstance(reply, UnreachableError):
                # It got nothing of this, so whoever has taken its place may have it.
                self._look_again()
                other = self._owners[unit.slot]
                return None if other is node else (other, False)
        return None

    def _lost(self, node: Node) -> None:
        self._failed = node
        self._stale = True

    def _look_again(self, *, at_once: bool = False) -> bool:
        """Read the map from the first who has it; False if nobody has, or somebody looked a moment ago: it stays as it is."""
        with self._lock:
            now = time.monotonic()
            if now < self._rests_until and not at_once:
                return False
            self._rests_until = now + _REST_S
        # Who was named last knows best; who was lost last is asked when nobody else answers.
        nodes = dict.fromkeys((self._knowing, *self._masters, self._seed))
        for node in sorted(nodes, key=lambda node: node is self._failed):
            try:
                (slots,) = node.exchange(WHO_HAS_WHAT, 1)
            except DependencyError:
                continue
            if isinstance(slots, list):
                self._stale = False
                self._read(slots, node)
                return True
        return False

    def _read(self, slots: Sequence[Any], told_by: Node) -> None:
        # Whoever is asked for a slot that nobody has says that.
        owners = [told_by] * SLOTS
        for first, last, (host, port, *_), *_ in slots:
            owners[first : last + 1] = [self._node((host or b"").decode(), port, told_by)] * (last + 1 - first)
        used = set(owners)
        with self._lock:
            self._nodes = {place: node for place, node in self._nodes.items() if node in used}
            self._owners, self._masters = owners, list(dict.fromkeys(owners))

    def _named(self, place: str, told_by: Node) -> Node:
        """Return the node at `host:port`."""
        host, _, port = place.rpartition(":")
        return self._node(host, int(port), told_by)

    def _node(self, host: str, port: int, told_by: Node) -> Node:
        """Return the node at a place; one that does not know its own host is where we found it."""
        known = host if host not in {"", "?"} else told_by.address.host
        with self._lock:
            node = self._nodes.get((known, port))
            if node is None:
                node = self._nodes[known, port] = self._open_node(told_by.address.elsewhere(known, port))
            return node


def _by_server(waiting: Sequence[tuple[Unit, Node, bool]]) -> list[tuple[Node, bool, list[Unit]]]:
    """Return what each server is to be asked, in the order of the pipeline."""
    units: dict[tuple[Node, bool], list[Unit]] = {}
    for unit, node, asking in waiting:
        units.setdefault((node, asking), []).append(unit)
    return [(node, asking, theirs) for (node, asking), theirs in units.items()]
