"""Whoever asks how SLOs stand waits for others no longer than its deadline."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core import deadline
from app.core.errors import OverloadedError
from app.slo_composition import compose_slos
from reporting.evaluation import percentile_cache
from tests.reporting.evaluation.definitions import slo

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.valkey import Valkey
    from reporting.evaluation.measure import Measure

NOW = datetime.now(UTC)


class Held:
    """Stops somebody on another thread until it is let go."""

    def __init__(self) -> None:
        self.reached, self.let_go = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.let_go.wait(60)


def test_a_request_is_refused_when_its_deadline_comes_before_its_turn(
    database: Database, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, held = compose_slos(database, valkey), Held()
    registered = parts.catalogue.registered

    def slow(connection: Connection) -> object:
        held()
        return registered(connection)

    monkeypatch.setattr(parts.catalogue, "registered", slow)
    other = threading.Thread(target=parts.evaluator.every, args=(NOW,))
    other.start()
    assert held.reached.wait(60)
    deadline.begin(0.05)
    try:
        with pytest.raises(OverloadedError):
            parts.evaluator.every_shown(NOW)
    finally:
        deadline.end()
        held.let_go.set()
        other.join()


def test_nobody_waits_for_the_percentiles_of_others(
    database: Database, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, held = compose_slos(database, valkey), Held()
    parts.catalogue.apply(slo("pay", total={}, good={"status": "<500"}), by="test", now=NOW)

    def slow(
        _connection: Connection, _measures: Iterable[Measure], _spans: Iterable[tuple[int, int]]
    ) -> dict[Measure, Counter[int]]:
        held()
        return {}

    monkeypatch.setattr(percentile_cache, "histograms", slow)
    other = threading.Thread(target=parts.evaluator.every_shown, args=(NOW,))
    other.start()
    assert held.reached.wait(60)
    deadline.begin(30)
    try:
        assert len(parts.evaluator.every(NOW)) == 1
    finally:
        deadline.end()
        held.let_go.set()
        other.join()
