from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.queue.dead_letters import DeadLetters

if TYPE_CHECKING:
    from app.core.queue.stream_huey import StreamHuey


@pytest.fixture
def letters(huey: StreamHuey) -> DeadLetters:
    return DeadLetters(huey)


@pytest.fixture
def bury(huey: StreamHuey) -> Any:
    """Let a task die of its first failure, for so many numbers."""
    huey.task(name="work", retries=0)(fail)

    def die(*numbers: int) -> None:
        (task_class,) = huey._registry._registry.values()
        for number in numbers:
            huey.enqueue(task_class((number,)))
            huey.execute(huey.dequeue())

    return die


def fail(number: int) -> None:
    raise ValueError(number)


def test_letters_are_listed_oldest_first_in_pages(letters: DeadLetters, bury: Any) -> None:
    bury(1, 2, 3)

    first = letters.page(limit=2)
    rest = letters.page(after=first[-1].id, limit=2)

    assert [letter.reason for letter in (*first, *rest)] == ["ValueError(1)", "ValueError(2)", "ValueError(3)"]
    assert (len(letters), len(list(letters))) == (3, 3)
    assert abs(first[0].died_at - datetime.now(UTC)) < timedelta(hours=1)


def test_a_replayed_task_has_all_its_retries_again(huey: StreamHuey, letters: DeadLetters, bury: Any) -> None:
    bury(7)
    (task_class,) = huey._registry._registry.values()
    task_class.default_retries = 2
    (letter,) = letters

    assert letters.replay(letter.id)

    (waiting,) = huey.pending()
    assert (waiting.args, waiting.retries) == ((7,), 2)
    assert len(letters) == 0


def test_a_letter_is_replayed_once(huey: StreamHuey, letters: DeadLetters, bury: Any) -> None:
    bury(7)
    (letter,) = letters

    assert (letters.replay(letter.id), letters.replay(letter.id)) == (True, False)
    assert huey.pending_count() == 1


def test_all_letters_are_replayed(huey: StreamHuey, letters: DeadLetters, bury: Any) -> None:
    bury(1, 2, 3)

    assert letters.replay_all() == 3
    assert sorted(task.args for task in huey.pending()) == [(1,), (2,), (3,)]


def test_a_letter_that_nobody_understands_is_replayed_as_it_is(huey: StreamHuey, letters: DeadLetters) -> None:
    huey.unknown_grace_s = 0.0
    huey.storage.enqueue(b"\x02from the future")
    huey.dequeue()
    (letter,) = letters

    letters.replay(letter.id)

    assert huey.storage.enqueued_items() == [b"\x02from the future"]


def test_a_purged_letter_is_gone(letters: DeadLetters, bury: Any) -> None:
    bury(1, 2, 3)
    first, *_ = letters

    assert (letters.purge(first.id), letters.purge(first.id)) == (True, False)
    assert letters.purge_all() == 2
    assert len(letters) == 0
    assert letters.get(first.id) is None
    assert not letters.replay(first.id)
