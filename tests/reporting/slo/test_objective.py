"""Objectives keep their history: an old report keeps the old target."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.slo.objective import (
    Objective,
    ObjectiveVersion,
    effective_target,
    effective_targets,
    promised,
)


def day(number: int) -> datetime:
    return datetime(2026, 10, number, tzinfo=UTC)


def objective(target: str) -> Objective:
    return Objective(target=Decimal(target))


HISTORY = (ObjectiveVersion(day(20), objective("0.999")), ObjectiveVersion(day(5), objective("0.99")))


@pytest.mark.parametrize(("at", "target"), [(5, "0.99"), (19, "0.99"), (20, "0.999"), (31, "0.999"), (1, "0.99")])
def test_what_held_at_an_instant_holds_for_it_whatever_was_promised_later(at: int, target: str) -> None:
    assert effective_target(HISTORY, day(at)) == objective(target)


def test_without_a_promise_there_is_no_target() -> None:
    assert effective_target((), day(1)) is None
    assert list(effective_targets((), day(1), day(2))) == []


def test_a_period_is_cut_where_its_target_changed() -> None:
    assert list(effective_targets(HISTORY, day(1), day(31))) == [
        (day(1), day(5), objective("0.99")),
        (day(5), day(20), objective("0.99")),
        (day(20), day(31), objective("0.999")),
    ]
    assert list(effective_targets(HISTORY, day(20), day(31))) == [(day(20), day(31), objective("0.999"))]
    assert list(effective_targets(HISTORY, day(2), day(2))) == []


@given(st.lists(st.integers(1, 30), unique=True, max_size=6), st.integers(1, 30), st.integers(1, 30))
def test_the_pieces_of_a_period_cover_it_and_each_has_the_target_that_held(
    days: list[int], start: int, end: int
) -> None:
    history = tuple(ObjectiveVersion(day(each), objective(f"0.9{each:02}")) for each in days)

    pieces = list(effective_targets(history, day(start), day(end)))

    for since, until, held in pieces:
        assert held == effective_target(history, since)
        assert until <= day(end)
    assert sum((until - since).days for since, until, _ in pieces) == (max(0, end - start) if days else 0)


def test_a_new_promise_is_added_and_the_same_one_is_not() -> None:
    history = promised((), objective("0.99"), day(5))

    assert promised(history, objective("0.99"), day(9)) == history
    assert promised(history, objective("0.999"), day(20)) == tuple(
        sorted(HISTORY, key=lambda version: version.effective_from)
    )


def test_the_past_is_never_rewritten() -> None:
    with pytest.raises(ValueError, match="not replaced"):
        promised(HISTORY, objective("0.5"), day(20))
