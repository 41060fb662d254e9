"""An alert that is told once each time, and its end once: everything else is a broken promise."""

from __future__ import annotations

import pytest

from app.cli.chaos.burns import ENDED_S, REST_S, TOLD_S, Burns, Told

KEPT = Told(30.0, 150.0, 1, 1)


def test_an_alert_that_is_told_once_and_ends_once_is_as_promised() -> None:
    assert KEPT.findings == []


@pytest.mark.parametrize(
    "told",
    [
        Told(None, None, 0, 0),
        Told(30.0, 150.0, 2, 1),
        Told(30.0, 150.0, 1, 2),
        Told(30.0, None, 1, 0),
        Told(TOLD_S + 1, 150.0, 1, 1),
        Told(30.0, ENDED_S + 1, 1, 1),
    ],
    ids=["never", "twice", "ends-twice", "never-ends", "late", "ends-late"],
)
def test_an_alert_that_is_told_otherwise_is_found(told: Told) -> None:
    assert told.findings


def burned_twice() -> Burns:
    """Bad events from 10 and, after the rest, from 500 on."""
    burns = Burns()
    assert burns.wants_bad(10, [], [], again=True)
    burns.note_bad(10)
    assert burns.wants_bad(30, [], [], again=True)
    assert not burns.wants_bad(40, [39], [], again=True)
    assert not burns.wants_bad(200 + REST_S - 1, [39], [200], again=True)
    assert not burns.wants_bad(200 + REST_S, [39], [200], again=False)
    assert burns.wants_bad(200 + REST_S, [39], [200], again=True)
    burns.note_bad(500)
    return burns


def test_what_was_told_counts_for_the_burning_that_it_came_in() -> None:
    burns = burned_twice()
    assert not burns.wants_bad(530, [39, 520], [200], again=True)

    assert burns.told([39, 520], [200, 700]) == [Told(29, 160, 1, 1), Told(20, 170, 1, 1)]
    assert burns.are_over([200, 700])


def test_an_alert_that_is_told_twice_the_first_time_does_not_stand_for_one_that_is_never_told() -> None:
    burns = burned_twice()

    first, second = burns.told([39, 41], [200])

    assert first.firing == 2
    assert second.firing == 0
    assert first.findings
    assert second.findings
    assert not burns.are_over([200])


def test_when_nothing_ever_burned_nobody_was_told() -> None:
    (told,) = Burns().told([], [])

    assert told.findings
