"""An event that PostgreSQL refuses dies alone: its neighbours are stored."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.ingestion.conftest import event

if TYPE_CHECKING:
    from ingestion.writer import Writer


@pytest.fixture
def poisoned(make_batch: Any) -> Any:
    return make_batch(event("a"), event("bad", payload={"dest": "I\0H"}), event("c"))


def test_poison_dies_alone(writer: Writer, poisoned: Any, make_batch: Any, tables: Any) -> None:
    neighbour = make_batch(*(event(f"n{number}") for number in range(50)))

    writer.store([neighbour, poisoned])

    assert tables.outcomes() == {neighbour.batch_id: (50, 0, 0, 0), poisoned.batch_id: (2, 0, 1, 0)}
    assert tables.letters() == [(f"{poisoned.batch_id}.1", "bad", "refused-by-store")]
    assert tables.value("SELECT count(*) FROM events") == 52
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 1") == 52


def test_a_letter_keeps_the_event_and_the_reason_but_not_the_value_in_the_reason(
    writer: Writer, poisoned: Any, tables: Any
) -> None:
    writer.store([poisoned])

    (body, detail, attempts), *_ = tables.rows("SELECT body, detail, attempts FROM dead_letters")
    assert json.loads(body) == event("bad", payload={"dest": "I\0H"})
    assert detail == "unsupported Unicode escape sequence (SQLSTATE 22P05)"
    assert attempts == 1


def long_text(seed: int) -> str:
    """Make a text that does not become short when it is compressed."""
    return "".join(random.Random(seed).choices("0123456789abcdef", k=9_000))


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(event("bad\0"), id="NUL in the id"),
        pytest.param(event("bad", type="bad\0"), id="NUL in the type"),
        pytest.param(event(long_text(1)), id="an id too long to index"),
        pytest.param(event("bad", type=long_text(2)), id="a type too long to count"),
        pytest.param(b'{"event_id":"bad","type":"a","payload":{"x":1%b}}' % (b"0" * 200_000), id="a number too large"),
        pytest.param(b'{"event_id":"bad\\ud800","type":"a"}', id="half a surrogate pair"),
        pytest.param(event("bad", timestamp="+300000-01-01T00:00:00Z"), id="the year 300000"),
        pytest.param(event("bad", timestamp=5), id="a number for a time"),
        pytest.param({"type": "a"}, id="no id"),
        pytest.param(b"17", id="no event at all"),
    ],
)
def test_whatever_cannot_be_stored_dies_alone(poison: Any, writer: Writer, make_batch: Any, tables: Any) -> None:
    batch = make_batch(event("a"), poison, event("c"))
    neighbour = make_batch(event("n"))

    writer.store([batch, neighbour])

    assert tables.event_ids() == ["a", "c", "n"]
    assert tables.outcomes() == {batch.batch_id: (2, 0, 1, 0), neighbour.batch_id: (1, 0, 0, 0)}
    assert [name for name, _, _ in tables.letters()] == [f"{batch.batch_id}.1"]


def test_a_repeated_event_is_stored_although_its_first_copy_was_poison(
    writer: Writer, make_batch: Any, tables: Any
) -> None:
    """It is no duplicate of anything that is stored."""
    poison, sound = make_batch(event("a", payload={"x": "\0"})), make_batch(event("a"), event("a"))

    writer.store([poison, sound])

    assert tables.event_ids() == ["a"]
    assert tables.outcomes() == {poison.batch_id: (0, 0, 1, 0), sound.batch_id: (1, 1, 0, 0)}


def test_half_a_bundle_of_poison_leaves_the_other_half_whole(writer: Writer, make_batch: Any, tables: Any) -> None:
    batch = make_batch(*(event(f"{i:03d}", payload={"x": "\0" if i % 2 else "fine"}) for i in range(100)))

    writer.store([batch])

    assert tables.outcomes() == {batch.batch_id: (50, 0, 50, 0)}
    assert tables.event_ids() == [f"{i:03d}" for i in range(0, 100, 2)]
