"""Valkey by the shortest way: a plain socket and hiredis, one connection a thread.

redis-py spends about a third of an API request's time on its own layers (design decision 3b), so the request path
talks the protocol directly. Everything that is not on that path may use redis-py.
"""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import hiredis

from app.core.errors import DependencyUnavailableError
from app.core.valkey_cluster import WHO_HAS_WHAT, Cluster
from app.core.valkey_connection import Address, pack
from app.core.valkey_node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TRANSIENT = (
    b"LOADING",
    b"BUSY",
    b"CLUSTERDOWN",
    b"MASTERDOWN",
    b"READONLY",
    b"MISCONF",
    b"TRYAGAIN",
    b"MOVED",
    b"ASK",
)


class ValkeyRefusedError(DependencyUnavailableError):
    """Valkey answered, and would not do it."""

    def __init__(self, message: str) -> None:
        super().__init__("valkey", message)
        self.out_of_memory = message.startswith("OOM")


class CommandError(Exception):
    """The command itself is wrong: our mistake, not Valkey's state."""


class Valkey:
    """Valkey as the request path sees it: bytes in, bytes out, a deadline on every exchange.

    One server, or a cluster of which the address names any node: that is found out with the first command.
    """

    def __init__(self, url: str, *, timeout_s: float = 1.0, together: bool = False) -> None:
        """With `together` threads that ask at the same time share round trips; that is for many threads and short commands."""
        self._open_node = partial(Node, timeout_s=timeout_s, together=together)
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None
        self._keep_to(self._open_node(Address(url)), alone=False)

    def _keep_to(self, node: Node, *, alone: bool) -> None:
        self._node = node
        self._exchange = node.exchange
        self._alone = alone

    def execute(self, *command: str | bytes | float) -> Any:
        """Run one command.

        Raises `DependencyUnavailableError` when Valkey cannot be reached, or gave no answer to anybody a moment ago;
        `DependencyTimeoutError` when it did not answer in time (what became of the command is unknown),
        `ValkeyRefusedError` when its state forbids it (out of memory, loading), and `CommandError` when the command is
        wrong.
        """
        if self._alone:
            return _value(self._exchange(pack(command), 1)[0])
        return _value(self._replies((command,))[0])

    def pipeline(self, commands: Sequence[tuple[str | bytes | float, ...]]) -> list[Any]:
        """Run several commands in one round trip, on a cluster one with each master that has to do with them.

        Raises the first error among the replies, and has run the others.
        """
        return [_value(reply) for reply in self._replies(commands)]

    def ask_both(
        self, first: tuple[str | bytes | float, ...], second: tuple[str | bytes | float, ...]
    ) -> tuple[Any, Any]:
        """Run two commands in one round trip, of which the second is nothing to fail of: its error is None."""
        reply, value = self._replies((first, second))
        return _value(reply), None if isinstance(value, Exception) else value

    def script(self, source: str) -> Script:
        """Prepare a Lua script; it is loaded when the server turns out not to know it."""
        return Script(self, source)

    def ping(self) -> None:
        """Ask for a sign of life, on a cluster of anybody; raises as `execute` does."""
        self.execute("PING")

    def servers(self) -> list[Valkey]:
        """Return each server alone, for what one can tell of itself only; raises as `execute` does."""
        cluster = self._found_cluster()
        return [self] if cluster is None else [_Master(node) for node in cluster.masters()]

    def scan(self, pattern: str, *, at_once: int) -> Iterator[list[bytes]]:
        """Give the names that match, in pages, from every server; one may come twice. Raises as `execute` does."""
        for server in self.servers():
            cursor = b"0"
            while True:
                cursor, names = server.execute("SCAN", cursor, "MATCH", pattern, "COUNT", at_once)
                yield names
                if cursor == b"0":
                    break

    def forget(self) -> None:
        """Close this thread's connections; the next command opens others."""
        self._node.forget()
        if self._cluster is not None:
            self._cluster.forget()

    def _replies(self, commands: Sequence[tuple[str | bytes | float, ...]]) -> list[Any]:
        cluster = None if self._alone else self._found_cluster()
        if cluster is not None:
            return cluster.replies(commands)
        return self._exchange(b"".join([pack(command) for command in commands]), len(commands))

    def _found_cluster(self) -> Cluster | None:
        """Return the cluster that the server is a node of; asked until it has answered."""
        if self._cluster is None and not self._alone:
            (slots,) = self._exchange(WHO_HAS_WHAT, 1)
            if not isinstance(slots, list):
                # Servers without the cluster's mode, and those that keep it from us, refuse the question.
                if str(slots).encode().startswith(_TRANSIENT):
                    raise ValkeyRefusedError(str(slots))
                self._alone = True
                return None
            with self._lock:
                self._cluster = self._cluster or Cluster(self._node, slots, open_node=self._open_node)
        return self._cluster


class _Master(Valkey):
    """One server of a cluster, and no other."""

    def __init__(self, node: Node) -> None:
        self._cluster = None
        self._keep_to(node, alone=True)


class Script:
    """A Lua script, run by its SHA-1."""

    def __init__(self, valkey: Valkey, source: str) -> None:
        self._valkey = valkey
        self._source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str | bytes], args: Sequence[str | bytes | float] = ()) -> Any:
        """Run it; errors as in `Valkey.execute`."""
        try:
            return self._valkey.execute("EVALSHA", self._digest, len(keys), *keys, *args)
        except _UnknownScriptError:
            return self._valkey.execute("EVAL", self._source, len(keys), *keys, *args)

    def with_value(
        self, keys: Sequence[str | bytes], args: Sequence[str | bytes | float], name: str
    ) -> tuple[Any, bytes | None]:
        """Run it, and read the string of a name in the same round trip if both are on one server: None without one."""
        try:
            return self._valkey.ask_both(self.command(keys, args), ("GET", name))
        except _UnknownScriptError:
            return self._valkey.ask_both(("EVAL", self._source, len(keys), *keys, *args), ("GET", name))

    def command(self, keys: Sequence[str | bytes], args: Sequence[str | bytes | float] = ()) -> tuple[Any, ...]:
        """The same as a command for `Valkey.pipeline`; the caller loads the script first with `load`."""
        return ("EVALSHA", self._digest, len(keys), *keys, *args)

    def load(self) -> None:
        """Make it known, on a cluster to every master."""
        self._valkey.execute("SCRIPT", "LOAD", self._source)


class _UnknownScriptError(CommandError):
    """NOSCRIPT."""


def _value(reply: Any) -> Any:
    if not isinstance(reply, Exception):
        return reply
    if not isinstance(reply, hiredis.ReplyError):
        raise reply
    message = str(reply)
    if message.startswith("NOSCRIPT"):
        raise _UnknownScriptError(message)
    if message.startswith("OOM") or message.encode().startswith(_TRANSIENT):
        raise ValkeyRefusedError(message)
    raise CommandError(message)
