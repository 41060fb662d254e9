"""What runs beside the requests of an API process for their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyUnavailableError
from app.core.valkey import CommandError
from app.limits import Upkeep, thresholds_of
from ingestion.limits.circuit_breaker import Thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from app.core.settings import Settings


class Load:
    """Journals of some shards hold something; or nobody knows the script."""

    def __init__(self) -> None:
        self.journals: frozenset[int] = frozenset()
        self.restarted = False

    def look(self, now_s: float) -> frozenset[int]:
        if self.restarted:
            raise CommandError("NOSCRIPT No matching script.")
        return self.journals


class Book:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.recorded: list[list[int]] = []
        self.deliveries = 0

    def record(self, shards: Iterable[int]) -> int:
        self.recorded.append(list(shards))
        return len(self.recorded[-1])

    def deliver(self, now: datetime) -> int:
        self.deliveries += 1
        return 0


@pytest.fixture
def load() -> Load:
    return Load()


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def upkeep(load: Load, book: Book) -> Upkeep:
    return Upkeep(load, book)  # type: ignore[arg-type]  # Twins.


def test_what_is_journalled_is_recorded_and_delivered_at_once(upkeep: Upkeep, load: Load, book: Book) -> None:
    upkeep(100.0)
    load.journals = frozenset({3})
    upkeep(101.0)
    load.journals = frozenset()
    upkeep(102.0)

    assert book.recorded == [[], [3], []]
    assert book.deliveries == 2  # At the beginning, for what others have left, and for the one.


def test_what_could_not_be_delivered_is_tried_again_each_minute(upkeep: Upkeep, book: Book) -> None:
    for second in range(130):
        upkeep(float(second))

    assert book.deliveries == 3


def test_a_valkey_that_was_restarted_is_one_that_is_away(upkeep: Upkeep, load: Load) -> None:
    load.restarted = True

    with pytest.raises(DependencyUnavailableError):
        upkeep(100.0)


def test_the_thresholds_of_circuits_are_settings(settings: Settings) -> None:
    assert thresholds_of(settings) == Thresholds()
