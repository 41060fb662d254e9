"""A file of lines as it is imported: in pieces that end where a line ends, and known by what is in it.

A name says little of a log: rotation gives it to another file, and the file another name; compression changes the bytes.
So a file is known by its first record, and how far it was imported by the digest of everything before.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from ingestion.telemetry.formats import BadFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

PIECE = 4 * 1024 * 1024
"""Bytes of a piece, about: what is counted in memory, and done again after a crash. One is counted while the one before it is
added, so a file of a few pieces keeps both cores at work; with 8 MB one of 40,000 lines was a single piece."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes; a file without a line's end for so long holds no lines."""
_READ = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines, without their ends. `end` is the position behind them, `digest` the SHA-256 of all before it."""

    lines: list[bytes]
    end: int
    digest: bytes


class LogFile:
    """Reads a stream once, from its beginning.

    A last line without an end is taken if the file is `finished`; else it is still being written, and left: `unfinished`
    says how many bytes of it there are, once everything was read. `pieces` raises `BadFileError`.
    """

    def __init__(self, stream: BinaryIO, *, finished: bool, piece: int = PIECE) -> None:
        self._stream = stream
        self._finished = finished
        self._piece = piece
        self._buffer = b""
        self._ended = False
        self._digest = sha256()
        self._at = 0
        self.unfinished = 0
        self.first_line = b""

    def head(self, records: int) -> bytes | None:
        """Return the SHA-256 of the first so many lines; None while there are not as many. Call it first."""
        while self._buffer.count(b"\n") < records and self._fill():
            pass
        lines = self._buffer.split(b"\n", records)
        self.first_line = lines[0]
        complete = lines[:records] if len(lines) > records else lines if self._finished else []
        if len(complete) < records:
            return None
        return sha256(b"\n".join(complete)).digest()

    def digest_at(self, position: int) -> bytes | None:
        """Read on to a position, which must be ahead; return the SHA-256 of all before it, or None if the file is shorter."""
        while self._at < position:
            if not self._buffer and not self._fill():
                return None
            self._pass(self._buffer[: position - self._at])
        return self._digest.digest()

    def pieces(self) -> Iterator[Piece]:
        """Give what follows, piece by piece."""
        while True:
            while len(self._buffer) < self._piece and self._fill():
                pass
            cut = self._buffer.rfind(b"\n") + 1
            if self._ended and self._finished:
                cut = len(self._buffer)
            if cut:
                text = self._buffer[:cut]
                self._pass(text)
                lines = text.split(b"\n")
                if not lines[-1]:
                    lines.pop()
                yield Piece(lines, self._at, self._digest.digest())
            elif not self._ended:
                if len(self._buffer) > LONGEST_LINE:
                    raise BadFileError("it holds no lines")
                self._fill()
            if self._ended and (not self._buffer or not cut):
                self.unfinished = len(self._buffer)
                return

    def _fill(self) -> bool:
        block = b"" if self._ended else self._stream.read(min(_READ, self._piece))
        self._ended = not block
        self._buffer += block
        return bool(block)

    def _pass(self, text: bytes) -> None:
        self._digest.update(text)
        self._at += len(text)
        self._buffer = self._buffer[len(text) :]
