"""What alerts are evaluated on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.counting import counting_store
from app.slo_composition import compose_slos
from reporting.alerts.reading import SloReading, Unknown
from reporting.evaluation import evaluator
from reporting.maintenance.maintenance import Maintenance
from reporting.slo.counts import ImpossibleCountsError
from reporting.slo.signals import Signal
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from app.core.database import Database
    from app.core.valkey import Valkey
    from app.slo_composition import SLOParts
    from reporting.definitions.definition import Definition
    from reporting.evaluation.figures import Evaluation, Subject
    from reporting.slo.counts import Counts
    from reporting.slo.objective import Objective, ObjectiveVersion

NOW = datetime.now(UTC).replace(second=20, microsecond=0)
END = minute_of(NOW) + 1
TEXT = slo("pay", service="checkout", total={}, good={"status": "<500"})


def only(parts: SLOParts) -> SloReading:
    (reading,) = parts.read(NOW)
    assert isinstance(reading, SloReading)
    return reading


def test_a_breached_pair_says_so_and_the_budget_goes(database: Database, parts: SLOParts) -> None:
    store(database, [Request(END - 1 - back, "/pay", 500, 1) for back in range(60) for _ in range(10)])
    parts.catalogue.apply(TEXT, by="test", now=NOW)

    reading = only(parts)

    assert (reading.name, reading.service, str(reading.target.target)) == ("pay", "checkout", "0.99")
    assert [rule.long_window.total_seconds() for rule in reading.rules] == [3_600, 21_600]
    assert reading.signals == (Signal.BREACHING, Signal.BREACHING)
    assert reading.burn_rates["1h"] == 100
    assert reading.budget_remaining_ratio == -99
    assert reading.state == "EXHAUSTED"


def test_nothing_measured_is_no_data_and_not_clear(parts: SLOParts) -> None:
    parts.catalogue.apply(TEXT, by="test", now=NOW)

    reading = only(parts)

    assert reading.signals == (Signal.NO_DATA, Signal.NO_DATA)
    assert reading.budget_remaining_ratio is None
    assert reading.state == "NO_DATA"


def test_a_removed_slo_is_read_no_more(parts: SLOParts) -> None:
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    parts.catalogue.remove("pay", by="test", now=NOW)

    assert parts.read(NOW) == []


def test_an_slo_of_a_later_release_is_unknown_and_keeps_its_rule(
    database: Database, valkey: Valkey, parts: SLOParts
) -> None:
    of_events = slo("paid", source="events", total={"type": "pay"}, good={"type": "pay", "payload.ok": True})
    parts.catalogue.apply(together(TEXT, of_events), by="test", now=NOW)
    with database.begin() as connection:
        connection.execute(text("UPDATE slo_versions SET document = '[1]' WHERE name = 'paid'"))
        connection.execute(text("UPDATE slo_objects SET document = '[1]' WHERE name = 'paid'"))
    restarted = compose_slos(database, valkey)

    restarted.catalogue.apply(slo("third", total={}, good={"status": "<500"}), by="test", now=NOW)

    readings = restarted.read(NOW)
    assert [each.name for each in readings] == ["pay", "third", "paid"]
    assert readings[-1] == Unknown("paid")
    with database.begin() as connection:
        assert len(counting_store.rules(connection)) == 1


def test_an_earlier_version_that_is_not_understood_does_not_take_the_present_one_along(
    database: Database, valkey: Valkey, parts: SLOParts
) -> None:
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    parts.catalogue.apply(TEXT.replace("target: 0.99", "target: 0.9"), by="test", now=NOW)
    with database.begin() as connection:
        connection.execute(text("UPDATE slo_versions SET document = '{}' WHERE version = 1"))

    assert str(only(compose_slos(database, valkey)).target.target) == "0.9"


def test_a_mistake_in_one_slo_leaves_it_without_data_and_the_others_as_they_are(
    database: Database, parts: SLOParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, [Request(END - 1 - back, "/pay", 500, 1) for back in range(60) for _ in range(10)])
    parts.catalogue.apply(together(TEXT, TEXT.replace("name: pay", "name: odd")), by="test", now=NOW)
    evaluate = evaluator.evaluate

    def evaluate_all_but_one(subject: Subject, count: Callable[[Objective, int, int], Counts]) -> Evaluation:
        if subject.definition.name == "odd":
            raise ImpossibleCountsError("more good than there are")
        return evaluate(subject, count)

    monkeypatch.setattr(evaluator, "evaluate", evaluate_all_but_one)

    odd, pay = parts.read(NOW)

    assert isinstance(odd, SloReading)
    assert isinstance(pay, SloReading)
    assert (odd.state, odd.signals) == ("NO_DATA", (Signal.NO_DATA, Signal.NO_DATA))
    assert pay.signals == (Signal.BREACHING, Signal.BREACHING)


def test_a_time_that_cannot_be_told_makes_one_slo_unknown(parts: SLOParts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.catalogue.apply(together(TEXT, TEXT.replace("name: pay", "name: odd")), by="test", now=NOW)
    subject_at = evaluator.subject_at

    def subject_but_one(definition: Definition, history: Sequence[ObjectiveVersion], now: datetime) -> Subject:
        if definition.name == "odd":
            raise OverflowError("date value out of range")
        return subject_at(definition, history, now)

    monkeypatch.setattr(evaluator, "subject_at", subject_but_one)

    assert [type(each) for each in parts.read(NOW)] == [SloReading, Unknown]


def test_maintenance_that_is_not_understood_excludes_nothing(database: Database, parts: SLOParts) -> None:
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    parts.maintenance.add(
        Maintenance(
            service=None,
            starts_at=NOW.replace(second=0),
            ends_at=NOW.replace(second=0) + timedelta(hours=1),
            rrule="FREQ=DAILY",
            timezone="Europe/Berlin",
            author="Mia Berg",
            reason="upgrade",
            created_at=NOW,
        )
    )
    with database.begin() as connection:
        connection.execute(text("UPDATE maintenance_windows SET timezone = 'Europe/Nowhere'"))

    assert only(parts).state == "NO_DATA"
