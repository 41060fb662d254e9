"""Looks for a name in everything there is: every row, every key of Valkey, and what is compressed in either."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import redis
    from sqlalchemy import Connection


def pattern_of(*names: str) -> re.Pattern[bytes]:
    """Return what finds names, also in longer words, but for the neighbour's, which goes on behind it."""
    return re.compile(b"(?:%s)(?![A-Za-z0-9_-])" % b"|".join(re.escape(name.encode()) for name in names), re.IGNORECASE)


def rows_with(connection: Connection, wanted: re.Pattern[bytes]) -> list[str]:
    """Return table and row of every row with it, in any column of any type."""
    return [
        f"{table.name}: {row}"
        for table in metadata.sorted_tables
        for row in connection.execute(select(table))
        if found_in(row, wanted)
    ]


def rows_without(connection: Connection, wanted: re.Pattern[bytes]) -> dict[str, list[str]]:
    """Return all other rows as texts."""
    return {
        table.name: [repr(row) for row in connection.execute(select(table)) if not found_in(row, wanted)]
        for table in metadata.sorted_tables
    }


def keys_with(client: redis.Redis, wanted: re.Pattern[bytes]) -> list[str]:
    """Return the keys of Valkey that have it in their name or in their value."""
    read: dict[bytes, Any] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    return [
        f"{key!r}: {value}"
        for key in client.scan_iter("*")
        if found_in((key, value := read[client.type(key)](key)), wanted)
    ]


def found_in(value: Any, wanted: re.Pattern[bytes]) -> bool:
    return any(wanted.search(piece) for piece in _pieces(value))


def _pieces(value: Any) -> Iterator[bytes]:
    match value:
        case str():
            yield value.encode()
        case bytes() | memoryview():
            yield from _unpacked(bytes(value))
        case dict():
            yield from _of_all([*value.keys(), *value.values()])
        case list() | tuple() | set():
            yield from _of_all(value)
        case None | bool() | int() | float():
            pass
        case _ if hasattr(value, "_tuple"):
            yield from _of_all(tuple(value))
        case _:
            yield str(value).encode()


def _of_all(values: Iterable[Any]) -> Iterator[bytes]:
    for each in values:
        yield from _pieces(each)


def _unpacked(content: bytes) -> Iterator[bytes]:
    """The bytes, and what is compressed in them."""
    yield content
    with suppress(zlib.error):
        yield from _unpacked(zlib.decompress(content))
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name.encode()
            yield from _unpacked(archive.read(name))
