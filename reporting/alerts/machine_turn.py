"""One process of a machine at a time, without any server: a lock on a file, and a note in it that outlives the lock."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Turn:
    """What whoever has the turn may see and do."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @property
    def is_noted(self) -> bool:
        """Whether it was done already."""
        self._file.seek(0)
        return bool(self._file.read(1))

    def note(self) -> None:
        """Say that it is done."""
        self._file.write(b"x")
        self._file.flush()

    def forget(self) -> None:
        """Say that it may be done again."""
        self._file.truncate(0)


class MachineTurn:
    """The kernel lets go of the lock of a process that dies."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def take(self) -> Iterator[Turn | None]:
        """Give the turn, or None while another process has it or the file cannot be used."""
        try:
            file = self._path.open("a+b")
        except OSError:
            yield None
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield None
                return
            yield Turn(file)
