"""Compressed bodies are undone completely, or refused, and never cost more memory than the limit allows."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from app.core.problems import Problem, ProblemType
from ingestion.events.compression import inflate, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 100_000
TEXT = b'{"events":[]}' * 1_000
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def zstd_stream(data: bytes) -> bytes:
    """As a client writes that does not know the length in advance."""
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param(None, TEXT, id="no header"),
        pytest.param("identity", TEXT, id="identity"),
        pytest.param("gzip", gzip.compress(TEXT), id="gzip"),
        pytest.param(" GZIP ", gzip.compress(TEXT), id="gzip in capitals"),
        pytest.param("x-gzip", gzip.compress(TEXT), id="gzip by its old name"),
        pytest.param("gzip", gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]), id="gzip of two members"),
        pytest.param("gzip", gzip.compress(b"") + gzip.compress(TEXT), id="gzip with an empty member"),
        pytest.param("zstd", zstd(TEXT), id="zstd"),
        pytest.param("zstd", zstd_stream(TEXT), id="zstd of unknown length"),
        pytest.param("zstd", zstd(TEXT[:500]) + zstd_stream(TEXT[500:]), id="zstd of two frames"),
        pytest.param("zstd", SKIPPABLE + zstd(TEXT) + SKIPPABLE, id="zstd with frames to skip"),
    ],
)
def test_a_body_is_undone_from(coding: str | None, body: bytes) -> None:
    assert inflate(body, coding, limit=LIMIT) == TEXT


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        pytest.param("identity", bytes, id="nothing"),
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("zstd", zstd, id="zstd"),
        pytest.param("zstd", zstd_stream, id="zstd of unknown length"),
    ],
)
def test_the_limit_is_exact_after(coding: str, compress: Callable[[bytes], bytes]) -> None:
    body = bytes(LIMIT)

    assert len(inflate(compress(body), coding, limit=LIMIT)) == LIMIT
    with pytest.raises(Problem) as refusal:
        inflate(compress(body + b"\0"), coding, limit=LIMIT)
    assert refusal.value.type is ProblemType.CONTENT_TOO_LARGE
    assert refusal.value.limit == "body_bytes"


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        pytest.param("gzip", gzip.compress(bytes(50_000_000)), id="gzip"),
        pytest.param("gzip", gzip.compress(bytes(50_000)) * 900, id="gzip of many members"),
        pytest.param("zstd", zstd(bytes(50_000_000)), id="zstd"),
        pytest.param("zstd", zstd_stream(bytes(50_000_000)), id="zstd of unknown length"),
        pytest.param("zstd", zstd_stream(bytes(50_000)) * 900, id="zstd of many frames"),
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(coding: str, bomb: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(Problem) as refusal:
        inflate(bomb, coding, limit=LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refusal.value.type is ProblemType.CONTENT_TOO_LARGE
    assert refusal.value.limit == "body_bytes"
    assert peak < 10 * LIMIT


@pytest.mark.parametrize(
    ("coding", "body", "detail"),
    [
        pytest.param("gzip", b"", "ends too early", id="nothing as gzip"),
        pytest.param("gzip", TEXT, "corrupt", id="plain text as gzip"),
        pytest.param("gzip", zlib.compress(TEXT), "corrupt", id="deflate as gzip"),
        pytest.param("gzip", gzip.compress(TEXT)[:-1], "ends too early", id="gzip without its last byte"),
        pytest.param("gzip", gzip.compress(TEXT)[:10], "ends too early", id="a gzip header"),
        pytest.param("gzip", gzip.compress(TEXT) + b"x", "ends too early", id="gzip and a letter"),
        pytest.param("gzip", gzip.compress(TEXT) + b"garbage", "something follows", id="gzip and garbage"),
        pytest.param("gzip", gzip.compress(TEXT)[:-8] + bytes(8), "corrupt", id="gzip with a wrong checksum"),
        pytest.param("gzip", gzip.compress(b"") * 1_001, "more than 1,000 pieces", id="gzip of too many members"),
        pytest.param("zstd", b"", "corrupt", id="nothing as zstd"),
        pytest.param("zstd", TEXT, "corrupt", id="plain text as zstd"),
        pytest.param("zstd", zstd(TEXT)[:-1], "ends too early", id="zstd without its last byte"),
        pytest.param("zstd", zstd_stream(TEXT)[:-1], "ends too early", id="zstd without all of its checksum"),
        pytest.param("zstd", zstd(TEXT) + b"garbage", "something follows", id="zstd and garbage"),
        pytest.param("zstd", zstd_stream(TEXT)[:-4] + bytes(4), "corrupt", id="zstd with a wrong checksum"),
        pytest.param("zstd", zstd(b"") * 1_001, "more than 1,000 pieces", id="zstd of too many frames"),
    ],
)
def test_a_broken_body_is_refused(coding: str, body: bytes, detail: str) -> None:
    with pytest.raises(Problem) as refusal:
        inflate(body, coding, limit=LIMIT)

    assert refusal.value.type is ProblemType.MALFORMED_REQUEST
    assert detail in refusal.value.detail


def test_zstd_that_asks_for_much_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=25)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = stream.compress(TEXT) + stream.flush()

    with pytest.raises(Problem) as refusal:
        inflate(body, "zstd", limit=LIMIT)

    assert refusal.value.type is ProblemType.MALFORMED_REQUEST


@pytest.mark.parametrize("coding", ["deflate", "br", "gzip, gzip", "gzip,zstd", "snappy", "utf-8"])
def test_other_encodings_are_refused_with_those_that_are_taken(coding: str) -> None:
    with pytest.raises(Problem) as refusal:
        inflate(TEXT, coding, limit=LIMIT)

    assert refusal.value.type is ProblemType.UNSUPPORTED_MEDIA_TYPE
    assert "gzip and zstd" in refusal.value.detail


@given(st.binary(max_size=200), st.sampled_from(["gzip", "zstd"]), st.integers(0, 200))
def test_damage_is_refused_or_undone(damage: bytes, coding: str, at: int) -> None:
    whole = gzip.compress(TEXT) if coding == "gzip" else zstd_stream(TEXT)
    body = whole[:at] + damage + whole[at + len(damage) :]

    refused = None
    length = 0
    try:
        length = len(inflate(body, coding, limit=LIMIT))
    except Problem as problem:
        refused = problem

    assert length <= LIMIT
    assert refused is None or refused.type in {ProblemType.MALFORMED_REQUEST, ProblemType.CONTENT_TOO_LARGE}


@given(st.binary(max_size=100), st.integers(0, 2_000))
def test_a_queue_entry_gives_back_what_was_put_in(piece: bytes, times: int) -> None:
    body = piece * times

    codec, data = pack(body)

    assert unpack(codec, data) == body
    assert codec == (b"r" if len(body) <= 65_536 else b"z")


@pytest.mark.parametrize(("codec", "data"), [(b"q", TEXT), (b"z", TEXT), (b"z", zstd(TEXT)[:-1])])
def test_what_was_not_packed_here_is_not_unpacked(codec: bytes, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"unknown codec|broken zstd"):
        unpack(codec, data)
