from __future__ import annotations

import time

import pytest

from app.core import silence as module
from app.core.errors import DependencyUnavailableError
from app.core.silence import Silence


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in a list so that a test can set it."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    assert module.time is time
    return now


@pytest.fixture
def silence(clock: list[float]) -> Silence:
    return Silence("valkey", trial_s=1.0, patience_s=0.5)


def asked(silence: Silence) -> bool:
    try:
        silence.ask()
    except DependencyUnavailableError:
        return False
    return True


def test_what_answers_is_asked_by_everybody(silence: Silence) -> None:
    assert [asked(silence) for _ in range(3)] == [True, True, True]


def test_after_a_question_without_an_answer_nobody_asks_for_a_moment(silence: Silence, clock: list[float]) -> None:
    silence.kept(waited_s=1.0)

    assert not asked(silence)
    clock[0] += 0.4
    assert not asked(silence)


def test_then_one_at_a_time_tries(silence: Silence, clock: list[float]) -> None:
    silence.kept(waited_s=1.0)
    clock[0] += 0.5

    assert [asked(silence) for _ in range(3)] == [True, False, False]

    silence.kept(waited_s=1.0)
    assert not asked(silence)
    clock[0] += 0.5
    assert [asked(silence) for _ in range(3)] == [True, False, False]


def test_an_answer_lets_everybody_ask_again(silence: Silence, clock: list[float]) -> None:
    silence.kept(waited_s=1.0)
    clock[0] += 0.5
    assert asked(silence)

    silence.broken()

    assert [asked(silence) for _ in range(3)] == [True, True, True]


def test_one_who_tries_and_never_tells_is_given_up(silence: Silence, clock: list[float]) -> None:
    silence.kept(waited_s=1.0)
    clock[0] += 0.5
    assert asked(silence)

    clock[0] += 1.0

    assert [asked(silence) for _ in range(2)] == [True, False]


def test_a_short_wait_proves_nothing(silence: Silence) -> None:
    silence.kept(waited_s=0.1)

    assert asked(silence)


def test_a_short_wait_in_a_silence_does_not_end_it(silence: Silence, clock: list[float]) -> None:
    silence.kept(waited_s=1.0)
    clock[0] += 0.5
    assert asked(silence)

    silence.kept(waited_s=0.1)

    assert not asked(silence)
