"""Those whose keys were not valid lately: so many, and nobody else is disturbed by them."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from app.core.metrics.limit_metrics import LimitMetrics
from app.core.problems import Problem, ProblemType
from app.core.strangers import BURST_S, FAILURE_COSTS, KNOWN_FOR_S, StrangerLimit, Strangers

NOW = 1_000.0
ALICE, GUESS = b"alice", b"guess"


def make(per_second: int = 100, per_address: int = 2) -> Strangers:
    metrics = LimitMetrics(CollectorRegistry())
    return Strangers(per_second=per_second, per_address_per_second=per_address, metrics=metrics)


def refusal(strangers: Strangers, address: str | None = "10.0.0.1", now_s: float = NOW) -> Problem:
    with pytest.raises(Problem) as caught:
        strangers.enter(address, now_s)
    return caught.value


def guesses(strangers: Strangers, address: str | None, now_s: float = NOW) -> int:
    """How many keys somebody can try at once."""
    for number in range(10_000):
        try:
            strangers.enter(address, now_s)
        except Problem:
            return number
        strangers.failed(GUESS, address, now_s)
    raise AssertionError("He may guess for ever.")


def test_a_stranger_may_come_as_often_as_the_rate_allows() -> None:
    strangers = make(per_address=2)
    for _ in range(2 * BURST_S):
        strangers.enter("10.0.0.1", NOW)

    problem = refusal(strangers)

    assert (problem.type, problem.limit) == (ProblemType.RATE_LIMIT_EXCEEDED, StrangerLimit.ADDRESS)
    assert problem.retry_after == pytest.approx(0.5)
    strangers.enter("10.0.0.1", NOW + 0.5)


def test_a_key_that_is_not_valid_costs_much_more() -> None:
    strangers = make(per_address=2)

    assert guesses(strangers, "10.0.0.1") == -(-2 * BURST_S // (1 + FAILURE_COSTS))


def test_whoever_goes_on_guessing_stays_slow() -> None:
    strangers = make(per_address=2)

    tried = sum(guesses(strangers, "10.0.0.1", NOW + second) for second in range(1, 101))

    assert tried <= 2 * (100 + BURST_S) / (1 + FAILURE_COSTS) + 2


def test_other_addresses_are_not_disturbed() -> None:
    strangers = make()
    guesses(strangers, "10.0.0.1")

    strangers.enter("10.0.0.2", NOW)


def test_all_addresses_together_have_a_limit() -> None:
    strangers = make(per_second=10, per_address=0)

    assert guesses(strangers, "10.0.0.1") == guesses(make(per_second=10, per_address=0), None) == 10
    assert refusal(strangers, "10.0.0.2").limit == StrangerLimit.ALL


def test_a_refusal_costs_nothing() -> None:
    strangers = make(per_second=1_000, per_address=1)
    for _ in range(BURST_S):
        strangers.enter("10.0.0.1", NOW)
    for _ in range(100):
        refusal(strangers)

    strangers.enter("10.0.0.1", NOW + 1)


def test_a_caller_whose_key_was_valid_is_no_stranger() -> None:
    strangers = make()

    strangers.known(ALICE, NOW)

    assert strangers.knows(ALICE, NOW + KNOWN_FOR_S - 1)
    assert not strangers.knows(ALICE, NOW + KNOWN_FOR_S)
    assert not strangers.knows(GUESS, NOW)


def test_a_key_that_is_not_valid_any_more_makes_a_stranger() -> None:
    strangers = make()
    strangers.known(ALICE, NOW)

    strangers.failed(ALICE, "10.0.0.1", NOW)

    assert not strangers.knows(ALICE, NOW)


def test_without_limits_anybody_may_try() -> None:
    strangers = make(per_second=0, per_address=0)
    for _ in range(1_000):
        strangers.enter("10.0.0.1", NOW)
        strangers.failed(GUESS, "10.0.0.1", NOW)


def test_addresses_are_forgotten_when_they_have_been_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.strangers._MOST_ADDRESSES", 3)
    strangers = make(per_second=0, per_address=2)
    for number in range(3):
        strangers.enter(f"10.0.0.{number}", NOW)
    guesses(strangers, "10.0.0.2", NOW)

    strangers.enter("10.0.1.1", NOW + 1)

    assert refusal(strangers, "10.0.0.2", NOW + 1).limit == StrangerLimit.ADDRESS
