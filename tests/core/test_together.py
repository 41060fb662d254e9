from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from app.core import deadline
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.together import Together
from app.core.valkey import CommandError, Valkey

if TYPE_CHECKING:
    from collections.abc import Callable

    Eventually = Callable[[Callable[[], object]], None]

THREADS = 8


class Rounds:
    """An exchange that echoes, holds its first round until told, and fails those that carry a `!`."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.under_way = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, packed: bytes, replies: int) -> list[Any]:
        self.seen.append(packed)
        assert len(packed) == replies
        if len(self.seen) == 1:
            self.under_way.set()
            assert self.go_on.wait(30)
        if b"!" in packed:
            raise DependencyUnavailableError("valkey", "connection lost")
        return [bytes([byte]) for byte in packed]


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


def ask_during_the_first_round(rounds: Rounds, questions: list[bytes], eventually: Eventually) -> list[Any]:
    """Ask one question, and the rest while its round is under way; return an answer or an error for each."""
    together = Together(rounds)

    def ask(question: bytes) -> Any:
        try:
            return together.exchange(question, len(question))
        except DependencyUnavailableError as error:
            return error

    with ThreadPoolExecutor(THREADS) as threads:
        first = threads.submit(ask, questions[0])
        assert rounds.under_way.wait(30)
        others = [threads.submit(ask, question) for question in questions[1:]]
        eventually(lambda: len(together._line) == len(others))
        rounds.go_on.set()
        return [future.result(30) for future in (first, *others)]


def test_who_comes_during_a_round_goes_in_the_next_and_gets_his_own_answers(
    rounds: Rounds, eventually: Eventually
) -> None:
    answers = ask_during_the_first_round(rounds, [b"a", b"bc", b"d", b"efg"], eventually)

    assert answers == [[b"a"], [b"b", b"c"], [b"d"], [b"e", b"f", b"g"]]
    assert rounds.seen[0] == b"a"
    assert len(rounds.seen) == 2
    assert sorted(rounds.seen[1]) == sorted(b"bcdefg")


def test_a_round_that_fails_fails_for_those_in_it_and_for_nobody_else(rounds: Rounds, eventually: Eventually) -> None:
    answers = ask_during_the_first_round(rounds, [b"a", b"!", b"c"], eventually)

    assert answers[0] == [b"a"]
    assert [str(answer) for answer in answers[1:]] == ["valkey: connection lost"] * 2


def test_after_a_failed_round_the_next_goes_on(rounds: Rounds) -> None:
    rounds.go_on.set()
    together = Together(rounds)

    with pytest.raises(DependencyUnavailableError):
        together.exchange(b"!", 1)

    assert together.exchange(b"a", 1) == [b"a"]


def test_many_threads_on_one_valkey_each_get_their_own_answers(valkey_url: str) -> None:
    valkey = Valkey(valkey_url, timeout_s=30.0, together=True)

    def ask(number: int) -> bool:
        if number % 10 == 0:
            with pytest.raises(CommandError):
                valkey.execute("HGET", "only a key")
        counted = valkey.pipeline([("INCRBY", f"count:{number}", number), ("GET", f"count:{number}")])
        return counted == [number, str(number).encode()] and valkey.execute("ECHO", str(number)) == str(number).encode()

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(ask, range(2_000)))


def test_who_has_less_time_than_a_round_may_take_does_not_wait_for_others(
    rounds: Rounds, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey = Valkey(valkey_url, timeout_s=30.0, together=True)
    monkeypatch.setattr(valkey._node._together, "exchange", rounds)

    with deadline.at_most(5.0):
        assert valkey.execute("ECHO", "alone") == b"alone"

    assert rounds.seen == []


def test_a_valkey_that_says_nothing_is_told_to_everybody_in_time(rounds: Rounds, eventually: Eventually) -> None:
    def silent(_packed: bytes, _replies: int) -> list[Any]:
        rounds.under_way.set()
        assert rounds.go_on.wait(30)
        raise DependencyTimeoutError("valkey", "no answer in time")

    together = Together(silent)
    with ThreadPoolExecutor(THREADS) as threads:
        asked = [threads.submit(together.exchange, b"a", 1) for _ in range(THREADS)]
        eventually(lambda: len(together._line) == THREADS - 1)
        rounds.go_on.set()
        assert {type(future.exception(30)) for future in asked} == {DependencyTimeoutError}
