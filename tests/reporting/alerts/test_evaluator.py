"""One evaluator of many, by a lease in Valkey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.core.errors import DependencyUnavailableError
from app.core.keyspace import ALERTS_EVALUATED, EVALUATOR_LEASE
from reporting.alerts.evaluator import Evaluator
from tests.reporting.alerts.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import redis

    from app.core.valkey import Valkey


class Evaluations:
    def __init__(self) -> None:
        self.by: list[str] = []
        self.then: list[str] = []
        self.refuses = False
        self.away = False

    def run(self, now: datetime, *, by: str) -> bool:
        if self.away:
            raise DependencyUnavailableError("postgresql", "away")
        self.by.append(by)
        return not self.refuses


@pytest.fixture
def evaluations() -> Evaluations:
    return Evaluations()


@pytest.fixture
def make(valkey: Valkey, evaluations: Evaluations) -> Callable[..., Evaluator]:
    def make(worker: str, **options: Any) -> Evaluator:
        return Evaluator(
            valkey,
            evaluations,  # type: ignore[arg-type]  # It counts.
            worker=worker,
            then=lambda: evaluations.then.append(evaluations.by[-1]),
            clock=lambda: NOW,
            **options,
        )

    return make


def test_exactly_one_of_many_workers_evaluates(make: Any, evaluations: Evaluations) -> None:
    workers = [make(f"w{number}", every_s=0) for number in range(5)]

    for _ in range(4):
        for worker in workers:
            worker.step()

    assert evaluations.by == ["w0"] * 4
    assert evaluations.then == ["w0"] * 4


def test_nothing_is_evaluated_before_it_is_due(make: Any, evaluations: Evaluations) -> None:
    worker = make("w0", every_s=3_600)

    assert [worker.step() for _ in range(3)] == [True, False, False]


def test_when_the_evaluator_dies_another_goes_on_with_its_rhythm(
    make: Any, evaluations: Evaluations, redis_client: redis.Redis
) -> None:
    first, second = make("w0"), make("w1")
    first.step()
    redis_client.delete(EVALUATOR_LEASE)  # Its lease has ended.

    assert not second.step()  # It is not due.
    redis_client.set(ALERTS_EVALUATED, int(redis_client.get(ALERTS_EVALUATED) or 0) - 29_000)
    assert second.step()
    assert not first.step()
    assert evaluations.by == ["w0", "w1"]


def test_the_lease_ends_by_itself_within_a_minute(make: Any, redis_client: redis.Redis) -> None:
    make("w0").step()

    assert 0 < redis_client.pttl(EVALUATOR_LEASE) <= 15_000


def test_a_worker_that_ends_gives_the_lease_back(make: Any, redis_client: redis.Redis) -> None:
    first, second = make("w0"), make("w1")
    first.step()
    second.resign()
    assert redis_client.get(EVALUATOR_LEASE) == b"w0"

    first.resign()

    assert redis_client.get(EVALUATOR_LEASE) is None


def test_an_evaluation_that_fails_or_is_refused_is_not_noted(
    make: Any, evaluations: Evaluations, redis_client: redis.Redis
) -> None:
    worker = make("w0")
    evaluations.away = True
    with pytest.raises(DependencyUnavailableError):
        worker.step()
    evaluations.away, evaluations.refuses = False, True
    assert not worker.step()

    assert redis_client.get(ALERTS_EVALUATED) is None
    assert evaluations.then == []
