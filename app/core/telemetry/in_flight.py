"""Which requests a process has begun and not finished, on a page of memory that outlives the process.

A process that is killed answers nobody, and counts nothing. So every process keeps two counters a route, begun and
finished, in a file that it maps into memory: a write costs less than a microsecond, and the kernel keeps the page when
the process dies. Whoever finds the file without its owner (a lock that the kernel releases at death tells) counts the
difference as requests that failed. The files are for one machine: on a directory shared by several, locks may not hold.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.core.telemetry.ledger import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC = b"SLIPFLY1"
_NAME_LENGTH = 246
_HEADER = struct.Struct(f"=8sH{_NAME_LENGTH}s")
_ROUTE_LENGTH = 126
_NAME = struct.Struct(f"=H{_ROUTE_LENGTH}s")
_SLOTS = 1_024
_COUNTERS_AT = _HEADER.size
"""Two for the whole process, last sign of life and stored requests; then begun and finished of every slot."""
_NAMES_AT = _COUNTERS_AT + 16 * (_SLOTS + 1)
_SIZE = _NAMES_AT + _NAME.size * _SLOTS
_SUFFIX = ".inflight"
SPOOL_SUFFIX = ".rows"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Requests of one route and method that began and never finished."""

    route: str
    method: str
    requests: int


@dataclass(frozen=True, slots=True)
class DeadProcess:
    """What a process left behind that died: `last_seen` is in seconds since 1970, at most a flush before its death.

    `uncounted` requests had been answered, but not yet stored as telemetry.
    """

    writer: str
    last_seen: int
    unfinished: tuple[Unfinished, ...]
    uncounted: int


class InFlight:
    """The counters of this process; thread-safe only under a lock of the caller."""

    def __init__(self, directory: Path | None, writer: str, *, now_s: int) -> None:
        """Begin with no request; without a directory, in plain memory that dies with the process."""
        self._path: Path | None = None
        self._file: int | None = None
        if directory is None:
            self._memory = mmap.mmap(-1, _SIZE)
        else:
            self._path = directory / (_UNSAFE.sub("_", writer) + _SUFFIX)
            self._file, self._memory = _locked_file(self._path)
        name = writer.encode()[:_NAME_LENGTH]
        self._memory[: _HEADER.size] = _HEADER.pack(_MAGIC, len(name), name)
        self._counters = memoryview(self._memory)[_COUNTERS_AT:_NAMES_AT].cast("Q")
        self._slots: dict[tuple[str, str], int] = {}
        self.seen(now_s, 0)
        if self._path is not None:
            _part(self._path).rename(self._path)

    @property
    def spool(self) -> Path | None:
        """Where this process leaves rows that it could not store."""
        return None if self._path is None else self._path.with_suffix(SPOOL_SUFFIX)

    def begin(self, route: str, method: str) -> int:
        """Count a request that begins; returns the slot to finish."""
        slot = self._slots.get((route, method))
        if slot is None:
            slot = self._new_slot(route, method)
        self._counters[2 * slot + 2] += 1
        return slot

    def finish(self, slot: int) -> None:
        """Count a request that was answered."""
        self._counters[2 * slot + 3] += 1

    def unfinished(self) -> int:
        """Return how many requests are being answered."""
        used = 2 * len(self._slots)
        return sum(self._counters[2 : 2 + used : 2]) - sum(self._counters[3 : 3 + used : 2])

    def seen(self, unix_s: int, stored: int) -> None:
        """Leave a sign of life: when, and how many of the finished requests are stored as telemetry."""
        self._counters[0] = unix_s
        self._counters[1] = stored

    def _new_slot(self, route: str, method: str) -> int:
        if len(self._slots) >= _SLOTS - 1:
            route = method = OTHER
        slot = self._slots.setdefault((route, method), len(self._slots))
        name = f"{method} {route}".encode()[:_ROUTE_LENGTH]
        _NAME.pack_into(self._memory, _NAMES_AT + _NAME.size * slot, len(name), name)
        return slot

    def close(self) -> None:
        """End in good order: nothing is left to find, unless a request is not answered, or not stored."""
        _, stored, *counters = self._counters
        settled = sum(counters[0::2]) == sum(counters[1::2]) == stored
        if self._path is not None and settled:
            self._path.unlink(missing_ok=True)
        self._counters.release()
        self._memory.close()
        if self._file is not None:
            os.close(self._file)


def _part(path: Path) -> Path:
    return path.with_suffix(".part")


def _locked_file(path: Path) -> tuple[int, mmap.mmap]:
    """Make the file under another name, so that nobody finds it before it is locked."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(_part(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Blocks that are there already: a full disk would otherwise end the process at its first write (SIGBUS).
        os.posix_fallocate(file, 0, _SIZE)
        return file, mmap.mmap(file, _SIZE)
    except BaseException:
        os.close(file)
        raise


class Remains:
    """The file of a process that died, held by whoever deals with it, so that nobody else does."""

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file

    @classmethod
    def claim(cls, path: Path) -> Self | None:
        """Return the file when its process is dead and nobody else holds it."""
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():
                return cls(path, file)
        os.close(file)
        return None

    def read(self) -> DeadProcess | None:
        """Return what is in it; None for a file that its process had not finished to make."""
        content = os.pread(self._file, _SIZE, 0)
        if len(content) < _SIZE or not content.startswith(_MAGIC):
            return None
        _, length, name = _HEADER.unpack_from(content)
        last_seen, stored, *counters = memoryview(content)[_COUNTERS_AT:_NAMES_AT].cast("Q")
        unfinished = tuple(_unfinished(content, counters))
        finished = sum(counters[1::2])
        return DeadProcess(name[:length].decode(errors="replace"), last_seen, unfinished, max(0, finished - stored))

    @property
    def spool(self) -> Path:
        """Where the process left rows that it could not store, if it did."""
        return self._path.with_suffix(SPOOL_SUFFIX)

    def discard(self) -> None:
        """Remove it: all that was in it is stored."""
        self.spool.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it to the next who looks."""
        os.close(self._file)


def _unfinished(content: bytes, counters: list[int]) -> Iterator[Unfinished]:
    for slot in range(_SLOTS):
        begun, finished = counters[2 * slot : 2 * slot + 2]
        if begun > finished:
            length, name = _NAME.unpack_from(content, _NAMES_AT + _NAME.size * slot)
            method, _, route = name[:length].decode(errors="replace").partition(" ")
            yield Unfinished(route or OTHER, method or OTHER, begun - finished)


def find_remains(directory: Path) -> list[Remains]:
    """Claim the files of all dead processes; each must be discarded or released."""
    return [remains for path in sorted(directory.glob(f"*{_SUFFIX}")) if (remains := Remains.claim(path)) is not None]
