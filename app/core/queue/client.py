"""What the queue needs of a Valkey client, and the same over redis-py.

Three verbs are the whole contract. Replies are raw RESP2 (bytes, integers, lists, None), commands may be repeated
by the caller alone, and every exchange has a deadline. Any exception that a client raises means that the outcome is
not known; only the text of a server's error is looked at, for `NOGROUP`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Arg = str | bytes | float


class Script(Protocol):
    """A Lua script on the server."""

    def __call__(self, keys: Sequence[str | bytes], args: Sequence[Arg] = ()) -> Any: ...


class Client(Protocol):
    """A thread-safe Valkey client."""

    def execute(self, *command: Arg) -> Any: ...

    def pipeline(self, commands: Sequence[tuple[Arg, ...]]) -> list[Any]: ...

    def script(self, source: str) -> Script: ...


class RedisClient:
    """A `Client` over redis-py, for those who have no shorter way to the server."""

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        # A command that is repeated behind the caller's back may run twice, and a socket without a timeout hangs a
        # worker for ever on a server that was stopped.
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis.response_callbacks.clear()
        self._execute: Callable[..., Any] = self._redis.execute_command

    def execute(self, *command: Arg) -> Any:
        return self._execute(*command)

    def pipeline(self, commands: Sequence[tuple[Arg, ...]]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipeline:
            append: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                append(*command)
            replies: list[Any] = pipeline.execute()
        return replies

    def script(self, source: str) -> Script:
        return _RedisScript(self, source)

    def close(self) -> None:
        self._redis.close()


class _RedisScript:
    def __init__(self, client: RedisClient, source: str) -> None:
        self._client = client
        self._source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str | bytes], args: Sequence[Arg] = ()) -> Any:
        try:
            return self._client.execute("EVALSHA", self._digest, len(keys), *keys, *args)
        except redis.exceptions.NoScriptError:
            return self._client.execute("EVAL", self._source, len(keys), *keys, *args)
