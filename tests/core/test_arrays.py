"""Arrays in binary form: what goes in comes out of PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.arrays import BigintArray, ByteaArray, TextArray, TimestampArray, binary_cursor, texts

if TYPE_CHECKING:
    from app.core.database import Database

any_text = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
per_test = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def select(database: Database, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with database.begin() as connection:
        return binary_cursor(connection).execute(query, parameters).fetchall()


@per_test
@given(values=st.lists(st.none() | any_text))
def test_texts_and_nulls_come_back_in_their_order(database: Database, values: list[str | None]) -> None:
    array = TextArray([None if value is None else value.encode() for value in values])

    assert select(database, "SELECT unnest(%b)", array) == [(value,) for value in values]


@per_test
@given(values=st.lists(st.none() | st.binary()))
def test_bytes_come_back_untouched(database: Database, values: list[bytes | None]) -> None:
    assert select(database, "SELECT unnest(%b)", ByteaArray(values)) == [(value,) for value in values]


@per_test
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_come_back_over_their_whole_range(database: Database, values: list[int]) -> None:
    assert select(database, "SELECT unnest(%b)", BigintArray(values)) == [(value,) for value in values]


@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (946_684_800_000_000, "2000-01-01T00:00:00Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
    ],
)
def test_timestamps_are_exact_to_the_microsecond(database: Database, microseconds: int, expected: str) -> None:
    found = select(database, "SELECT unnest(%b) = %s::timestamptz", TimestampArray([microseconds]), expected)

    assert found == [(True,)]


def test_columns_are_walked_in_step(database: Database) -> None:
    found = select(database, "SELECT unnest(%b), unnest(%b)", texts(["a", "b"]), BigintArray([1, 2]))

    assert found == [("a", 1), ("b", 2)]


def test_half_a_surrogate_pair_has_no_form() -> None:
    with pytest.raises(UnicodeEncodeError):
        texts(["\ud800"])
