from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

import pytest

from app.domain.shards import Lane
from ingestion.admission import line as line_module
from ingestion.admission.line import Line, LineTooLongError

if TYPE_CHECKING:
    from ingestion.admission.line import Place

LONG_S = 10_000.0
"""How long serving one has lately taken: with it, nobody who must wait may."""


def taken(line: Line, places: int) -> list[Place]:
    return [line.place(Lane.LOW) for _ in range(places)]


def served(line: Line, seconds: float) -> None:
    """Let the line know that serving takes so long."""
    for _ in range(200):
        line.place(Lane.HIGH)
        line.left(seconds)


class Waiting:
    """Somebody in the line, in a thread of his own; `place` once he has it."""

    def __init__(self, line: Line, lane: Lane = Lane.HIGH) -> None:
        self.place: Place | None = None
        self._thread = threading.Thread(target=self._wait, args=(line, lane))
        self._thread.start()

    def _wait(self, line: Line, lane: Lane) -> None:
        self.place = line.place(lane)

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def waiting(line: Line, count: int) -> deque[Waiting]:
    """So many in the line, one after another."""
    people: deque[Waiting] = deque()
    for number in range(count):
        people.append(Waiting(line))
        while len(line._waiting) <= number:
            pass
    return people


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "LONGEST_WAIT_S", 60.0)


def test_as_many_as_there_are_places_are_served_at_once_however_long_it_takes() -> None:
    line = Line(places=3)
    served(line, LONG_S)

    assert len(taken(line, 3)) == 3


@pytest.mark.usefixtures("patient")
def test_places_are_given_in_the_order_in_which_people_came() -> None:
    line = Line(places=1)
    (place,) = taken(line, 1)
    people = waiting(line, 3)

    while people:
        with place:
            pass
        next_one = people.popleft()
        next_one.join()
        assert next_one.place is not None
        assert all(one.place is None for one in people)
        place = next_one.place


@pytest.mark.usefixtures("patient")
def test_the_lower_the_lane_the_shorter_the_line_it_may_join() -> None:
    line = Line(places=1)
    served(line, 0.15)
    (place,) = taken(line, 1)
    people = waiting(line, 1)

    # One waits: 0.15 s are to be expected, 0.3 s for whoever comes after the next.
    with pytest.raises(LineTooLongError):
        line.place(Lane.LOW)
    assert (line.open_to(Lane.LOW), line.open_to(Lane.NORMAL), line.open_to(Lane.HIGH)) == (False, True, True)
    people.append(Waiting(line, Lane.NORMAL))
    while len(line._waiting) < 2:
        pass
    with pytest.raises(LineTooLongError):
        line.place(Lane.NORMAL)
    assert line.open_to(Lane.HIGH)

    for one in people:
        with place:
            pass
        one.join()
        assert one.place is not None
        place = one.place


def test_whoever_has_waited_for_too_long_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "LONGEST_WAIT_S", 0.01)
    line = Line(places=1)
    (place,) = taken(line, 1)

    with pytest.raises(LineTooLongError):
        line.place(Lane.HIGH)

    with place:
        pass
    assert line.place(Lane.LOW) is not None


def test_a_place_is_free_again_after_an_error() -> None:
    line = Line(places=1)

    with pytest.raises(ValueError, match="bad batch"), line.place(Lane.LOW):
        raise ValueError("bad batch")

    assert line.open_to(Lane.LOW)
    assert line.place(Lane.LOW) is not None
