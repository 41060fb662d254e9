"""How rows are laid out, told apart and cut into statements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.batches import Row, evenly, first_of_each, instant, microseconds, pieces, rows_of


def row(event_id: str, batch: int = 0, number: int = 0, payload: bytes | None = None) -> Row:
    return Row("acme", event_id, batch, number, "a", 0, 0, payload, None)


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact_over_all_years(moment: datetime) -> None:
    assert microseconds(moment) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert instant(microseconds(moment)) == moment


def test_rows_are_sorted_by_key_and_then_by_arrival(make_batch: Any) -> None:
    batches = [
        make_batch({"event_id": "b", "type": "x"}, {"event_id": "a", "type": "x"}, account_id="bolt"),
        make_batch({"event_id": "b", "type": "x"}, {"event_id": "b", "type": "x"}, account_id="acme"),
        make_batch({"event_id": "b", "type": "x"}, account_id="acme"),
    ]

    found = [(row.account_id, row.event_id, row.batch, row.number) for row in rows_of(batches)]

    assert found == [
        ("acme", "b", 1, 0),
        ("acme", "b", 1, 1),
        ("acme", "b", 2, 0),
        ("bolt", "a", 0, 1),
        ("bolt", "b", 0, 0),
    ]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), unique=True))
def test_the_first_of_each_key_is_told_from_those_that_repeat_it(keys: list[tuple[str, int]]) -> None:
    rows = sorted(row(event_id, batch) for event_id, batch in keys)

    firsts, repeats = first_of_each(rows)

    assert sorted(firsts + repeats) == rows
    assert [first.event_id for first in firsts] == sorted({event_id for event_id, _ in keys})
    assert all(first.batch < repeat.batch for first in firsts for repeat in repeats if first[:2] == repeat[:2])


@given(st.lists(st.integers()), st.integers(1, 20))
def test_pieces_are_few_and_of_one_size(items: list[int], limit: int) -> None:
    cut = list(evenly(items, limit))

    assert [item for piece in cut for item in piece] == items
    assert len(cut) == -(-len(items) // limit)
    assert all(1 <= len(piece) <= limit for piece in cut)
    assert not cut or max(map(len, cut)) - min(map(len, cut)) <= 1


@pytest.mark.parametrize(
    ("payload", "lengths"), [(None, [5, 5]), (b"", [5, 5]), (b"12345", [2, 3, 2, 3]), (b"1" * 100, [1] * 10)]
)
def test_a_statement_is_bounded_in_rows_and_in_bytes(payload: bytes | None, lengths: list[int]) -> None:
    rows = [row(str(number), payload=payload) for number in range(10)]

    assert [len(piece) for piece in pieces(rows, most_rows=6, most_bytes=16)] == lengths
