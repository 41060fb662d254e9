"""A bad network between us and an engine: a proxy in the place of the engine's socket."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 65_536
_CUT_AFTER = 300
"""Bytes in one direction: enough to log in, too few for much more."""
DELAY_S = 0.2
_TRICKLE_S = 1.0
_CREDENTIALS = struct.Struct("3i")
"""Ids of a process, its user and its group."""


class Way(StrEnum):
    """What becomes of bytes on their way."""

    CUT = "cut"
    """The connection ends in the middle of something."""
    SILENT = "silent"
    """Everything is taken, nothing arrives."""
    SLOW = "slow"
    """Everything arrives, each piece 0.2 s late."""
    TRICKLE = "trickle"
    """One byte a second arrives."""


class Detour:
    """While it is entered, who connects to the socket `path` is led this way; it takes the socket's name and gives it back.

    `led` counts the connections by the process that made them.
    """

    def __init__(self, path: Path, way: Way) -> None:
        self.led = Counter[int]()
        self._path = path
        self._real = path.with_name(f"{path.name}.real")
        self._way = way
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="detour", daemon=True)
        self._stop = asyncio.Event()

    def __enter__(self) -> Self:
        self._path.rename(self._real)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._real.rename(self._path)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(self._lead, str(self._path))
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with _ending(writer), suppress(OSError, asyncio.CancelledError):
            self.led[_process_behind(writer)] += 1
            there_reader, there_writer = await asyncio.open_unix_connection(str(self._real))
            with _ending(there_writer):
                ways = (self._pump(reader, there_writer), self._pump(there_reader, writer))
                await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        with suppress(OSError):
            while data := await reader.read(1 if self._way is Way.TRICKLE else _CHUNK):
                if self._way is Way.SILENT:
                    continue
                if self._way is Way.CUT and passed + len(data) > _CUT_AFTER:
                    writer.write(data[: max(0, _CUT_AFTER - passed)])
                    return
                await asyncio.sleep({Way.SLOW: DELAY_S, Way.TRICKLE: _TRICKLE_S}.get(self._way, 0))
                writer.write(data)
                await writer.drain()
                passed += len(data)


@contextmanager
def _ending(writer: asyncio.StreamWriter) -> Iterator[None]:
    """End the connection at once: a `close` waits for who reads what is on its way, and nobody may."""
    try:
        yield
    finally:
        writer.transport.abort()


def _process_behind(writer: asyncio.StreamWriter) -> int:
    """The process id of who connected; see SO_PEERCRED in unix(7)."""
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(credentials)[0])
