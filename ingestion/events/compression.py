"""Compressed bodies: a request's, which is not trusted, and those of queue entries, which are ours."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Protocol, TypeVar

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError, frame_content_size

from app.core.problems import BODY_BYTES, Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Callable

    from zstandard import ZstdDecompressionObj

RAW = b"r"
ZSTD = b"z"

PACKED_FROM = 64 * 1024
"""Bodies above so many bytes are packed: one of 5 MB would hold Valkey for 38 ms as it is."""
MAX_WINDOW = 8 * 1024 * 1024
"""RFC 9659: the memory that a sender of the content coding zstd may ask a receiver to have."""
MAX_PIECES = 1_000
"""Members of gzip, or frames of zstd, in one body. More are no help to a sender, and work for us."""

_CHUNK = 64 * 1024
_GZIP = zlib.MAX_WBITS | 16


class _Piece(Protocol):
    """A member of gzip or a frame of zstd that is being read."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...


_P = TypeVar("_P", bound=_Piece)


def inflate(body: bytes, content_encoding: str | None, *, limit: int) -> bytes:
    """Undo a request's `Content-Encoding`; raises `Problem`.

    It stops at `limit` bytes of output, so a body that would inflate to gigabytes costs no more than one that is just
    too large.
    """
    match (content_encoding or "identity").strip().lower():
        case "identity":
            if len(body) > limit:
                raise _too_large(limit)
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, limit)
        case "zstd":
            return _unzstd(body, limit)
        case other:
            what = "Several content encodings" if "," in other else "This content encoding"
            detail = f"{what} cannot be undone. Taken are gzip and zstd, one at a time, and bodies without either."
            raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)


def pack(body: bytes) -> tuple[bytes, bytes]:
    """Return the codec and the data of a queue entry for a body."""
    if len(body) <= PACKED_FROM:
        return RAW, body
    return ZSTD, ZstdCompressor(level=1).compress(body)


def unpack(codec: bytes, data: bytes) -> bytes:
    """Undo `pack`; raises `ValueError` for what it did not make."""
    if codec == RAW:
        return data
    if codec != ZSTD:
        raise ValueError(f"unknown codec {codec!r}")
    try:
        return ZstdDecompressor().decompress(data)
    except ZstdError as error:
        raise ValueError(f"broken zstd: {error}") from error


def _gunzip(body: bytes, limit: int) -> bytes:
    try:
        return _all_pieces(body, "gzip", limit, lambda: zlib.decompressobj(_GZIP), _decompress_some)
    except zlib.error:
        raise _broken("gzip", "it is corrupt, or something follows it") from None


def _decompress_some(member: zlib._Decompress, data: bytes, room: int) -> bytes:
    return member.decompress(data, room)


def _unzstd(body: bytes, limit: int) -> bytes:
    """Inflate twice: the reader can stop at a limit, but does not say whether the last frame was complete."""
    decompressor = ZstdDecompressor(max_window_size=MAX_WINDOW)
    try:
        if frame_content_size(body) > limit:
            raise _too_large(limit)
        if len(decompressor.stream_reader(BytesIO(body), read_across_frames=True).read(limit + 1)) > limit:
            raise _too_large(limit)
        return _all_pieces(body, "zstd", limit, decompressor.decompressobj, _decompress_all)
    except ZstdError as error:
        raise _broken("zstd", f"it is corrupt, or something follows it ({error})") from None


def _decompress_all(frame: ZstdDecompressionObj, data: bytes, _room: int) -> bytes:
    return frame.decompress(data)


def _all_pieces(
    body: bytes, coding: str, limit: int, begin: Callable[[], _P], decompress: Callable[[_P, bytes, int], bytes]
) -> bytes:
    """Inflate one piece after the other; raises `Problem` above the limit, or when the last piece is not complete."""
    output: list[bytes] = []
    room = limit
    piece = begin()
    count = 1
    for start in range(0, len(body), _CHUNK):
        data = body[start : start + _CHUNK]
        while data:
            if piece.eof:
                piece = begin()
                count += 1
                if count > MAX_PIECES:
                    raise _broken(coding, f"it is in more than {MAX_PIECES:,} pieces")
            output.append(decompress(piece, data, room + 1))
            room -= len(output[-1])
            if room < 0:
                raise _too_large(limit)
            data = piece.unused_data if piece.eof else piece.unconsumed_tail
    if not piece.eof:
        raise _broken(coding, "it ends too early")
    return b"".join(output)


def _too_large(limit: int) -> Problem:
    return Problem(
        ProblemType.CONTENT_TOO_LARGE, f"The body has more than {limit:,} bytes, decompressed.", limit=BODY_BYTES
    )


def _broken(coding: str, why: str) -> Problem:
    return Problem(ProblemType.MALFORMED_REQUEST, f"The body cannot be read as {coding}: {why}.")
