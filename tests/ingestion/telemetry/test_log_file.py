"""A file of lines, in pieces."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.telemetry.log_file import LogFile


def log(text: bytes, *, finished: bool = False, piece: int = 10) -> LogFile:
    return LogFile(BytesIO(text), finished=finished, piece=piece)


@given(lines=st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line)), piece=st.integers(1, 50))
def test_pieces_are_the_whole_file_cut_at_ends_of_lines(lines: list[bytes], piece: int) -> None:
    text = b"".join(line + b"\n" for line in lines)

    pieces = list(log(text, piece=piece).pieces())

    assert [line for part in pieces for line in part.lines] == lines
    assert all(part.digest == sha256(text[: part.end]).digest() for part in pieces)
    assert (pieces[-1].end if pieces else 0) == len(text)


def test_a_line_without_an_end_waits_unless_the_file_is_finished() -> None:
    growing, finished = log(b"a\nb\nhalf"), log(b"a\nb\nhalf", finished=True)

    assert [part.lines for part in growing.pieces()] == [[b"a", b"b"]]
    assert growing.unfinished == 4
    assert [part.lines for part in finished.pieces()] == [[b"a", b"b", b"half"]]
    assert finished.unfinished == 0


@pytest.mark.parametrize(("text", "finished"), [(b"", True), (b"half", False), (b"a\nhalf", False), (b"half", True)])
def test_a_file_without_enough_records_has_no_name(text: bytes, finished: bool) -> None:
    assert log(text, finished=finished).head(2) is None


def test_a_file_is_named_by_its_first_records_alone_and_read_from_its_beginning() -> None:
    file = log(b"a\nb\nc\n")

    assert file.head(1) == log(b"a\nz\n").head(1) == log(b"a", finished=True).head(1)
    assert file.head(2) != log(b"a\nz\n").head(2)
    assert [part.lines for part in file.pieces()] == [[b"a", b"b", b"c"]]


def test_reading_goes_on_from_a_position_whose_digest_is_known() -> None:
    file = log(b"a\nb\nc\n")

    assert file.digest_at(2) == sha256(b"a\n").digest()
    assert file.digest_at(4) == sha256(b"a\nb\n").digest()
    assert [part.lines for part in file.pieces()] == [[b"c"]]
    assert log(b"a\n").digest_at(3) is None
