from __future__ import annotations

import pytest

from app.core.http.paging import Paging, read_cursor, write_cursor
from app.core.problems import Problem, ProblemType

PAGING = Paging(usual=50, most=200)


@pytest.mark.parametrize(("text", "limit"), [(None, 50), ("1", 1), ("200", 200), ("007", 7)])
def test_a_page_has_as_many_as_it_is_asked_for(text: str | None, limit: int) -> None:
    assert PAGING.limit(text) == limit


@pytest.mark.parametrize("text", ["", "0", "201", "-1", "1.5", "x", "٣", "9" * 5_000])
def test_another_number_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        PAGING.limit(text)

    assert caught.value.type is ProblemType.MALFORMED_REQUEST
    assert caught.value.detail == "`limit` is a number from 1 to 200."


def test_the_limit_is_described_as_it_is_read() -> None:
    assert PAGING.parameter.schema == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


def small(place: tuple[int, str]) -> tuple[int, str]:
    if place[0] > 10:
        raise ValueError(place)
    return place


def test_a_page_begins_where_the_one_before_ended() -> None:
    assert read_cursor(None, tuple[int, str], small) is None
    assert read_cursor(write_cursor((7, "ü")), tuple[int, str], small) == (7, "ü")


@pytest.mark.parametrize(
    "text", ["", "x", "ä", "====", write_cursor((7,)), write_cursor(("7", "a")), write_cursor((11, "a"))]
)
def test_what_no_page_ended_with_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="`after` is not the `next` of a page"):
        read_cursor(text, tuple[int, str], small)
