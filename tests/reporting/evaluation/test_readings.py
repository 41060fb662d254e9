"""What alerts are evaluated on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.cli.slo_tables import alert_text
from app.core.counting import counting_store
from app.slo_composition import compose_slos
from reporting.alerts.reading import SloReading, Telling, Unknown
from reporting.alerts.tiers import tiers_of
from reporting.evaluation import evaluator
from reporting.maintenance.maintenance import Maintenance
from reporting.slo.counts import ImpossibleCountsError
from reporting.slo.signals import Signal
from reporting.slo.threshold_alert import ThresholdAlert
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

    def evaluate_all_but_one(
        subject: Subject, count: Callable[[Objective, int, int], Counts], **given: Any
    ) -> Evaluation:
        if subject.definition.name == "odd":
            raise ImpossibleCountsError("more good than there are")
        return evaluate(subject, count, **given)

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


def policy(name: str, threshold: str = "", *, window: str = "10m", **spec: Any) -> dict[str, Any]:
    condition = {"kind": "burnrate", "op": "gt", "threshold": 5, "lookbackWindow": window, "alertAfter": "3m"}
    annotations = {"slipstream/threshold": threshold} if threshold else {}
    return {
        "kind": "AlertPolicy",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "alertWhenBreaching": bool(threshold),
            "conditions": [
                {
                    "kind": "AlertCondition",
                    "metadata": {"name": name},
                    "spec": {"severity": "ticket", "condition": condition},
                }
            ],
            "notificationTargets": [
                {"kind": "AlertNotificationTarget", "metadata": {"name": "team"}, "spec": {"target": "dba"}}
            ],
            **spec,
        },
    }


def asking(*policies: dict[str, Any], method: str = "Occurrences", **objective: Any) -> str:
    return slo(
        "pay",
        service="checkout",
        total={"route": "/pay"},
        good={"route": "/pay", "status": "<500"},
        policies=list(policies),
        method=method,
        **objective,
    )


def signals(parts: SLOParts) -> dict[str, Signal]:
    return {tier.name: tier.signal for tier in tiers_of(only(parts)) if tier.name.startswith("ticket")}


@pytest.mark.parametrize("sliced", [False, True])
def test_thresholds_compare_events_whatever_the_budget_counts(
    database: Database, parts: SLOParts, *, sliced: bool
) -> None:
    requests = [
        Request(END - 1 - back, "/pay", 200, 900_000 if n < 2 else 10_000) for back in range(10) for n in range(90)
    ]
    requests += [Request(END - 1 - back, "/pay", 500, 10_000) for back in range(10) for _ in range(10)]
    store(database, [*requests, *(Request(END - 1, "/other", 500, 9_000_000) for _ in range(1_000))])
    given = {"method": "RatioTimeslices", "timeSliceWindow": "5m"} if sliced else {}
    names = ("error_rate > 9%", "error_rate > 10%", "availability < 95%", "p99 > 900ms", "p95 > 900ms", "p99 > 901ms")
    parts.catalogue.apply(asking(*(policy(f"p{n}", text) for n, text in enumerate(names)), **given), by="test", now=NOW)

    findings = {each.rule.text: each.signal for each in only(parts).findings if isinstance(each.rule, ThresholdAlert)}

    assert findings == {
        "error_rate > 9%": Signal.BREACHING,
        "error_rate > 10%": Signal.CLEAR,
        "availability < 95%": Signal.BREACHING,
        "p99 > 900ms": Signal.BREACHING,
        "p95 > 900ms": Signal.CLEAR,
        "p99 > 901ms": Signal.CLEAR,
    }


def test_a_handful_of_requests_is_too_few_for_a_threshold_and_none_is_no_data(
    database: Database, parts: SLOParts
) -> None:
    parts.catalogue.apply(asking(policy("rate", "error_rate > 5%"), policy("slow", "p99 > 1s")), by="test", now=NOW)
    assert set(signals(parts).values()) == {Signal.NO_DATA}

    store(
        database, [Request(END - 1, "/pay", 500, 2_000_000), *(Request(END - 1, "/pay", 200, 1_000) for _ in range(9))]
    )

    assert set(signals(parts).values()) == {Signal.LOW_TRAFFIC}


def test_maintenance_is_left_out_of_thresholds_and_its_silence_is_no_silence(
    database: Database, parts: SLOParts
) -> None:
    parts.catalogue.apply(
        asking(policy("rate", "error_rate > 5%"), policy("quiet", alertWhenNoData=True)), by="test", now=NOW
    )
    assert signals(parts) == {"ticket-error-rate-10m": Signal.NO_DATA, "ticket-no-data-10m": Signal.BREACHING}

    store(database, [Request(END - 1, "/pay", 500, 1_000) for _ in range(50)])
    assert signals(parts) == {"ticket-error-rate-10m": Signal.BREACHING, "ticket-no-data-10m": Signal.CLEAR}
    parts.maintenance.add(
        Maintenance(
            service="checkout",
            starts_at=NOW.replace(second=0) - timedelta(minutes=3),
            ends_at=NOW.replace(second=0) + timedelta(hours=1),
            rrule=None,
            timezone="UTC",
            author="Mia Berg",
            reason="upgrade",
            created_at=NOW,
        )
    )

    assert signals(parts) == {"ticket-error-rate-10m": Signal.NO_DATA, "ticket-no-data-10m": Signal.NO_DATA}


def test_a_policy_says_whom_it_tells_and_whether_of_the_end(parts: SLOParts) -> None:
    told = policy("rate", "error_rate > 5%", alertWhenResolved=True)
    parts.catalogue.apply(asking(told, policy("quiet", alertWhenNoData=True)), by="test", now=NOW)

    assert [each.telling for each in only(parts).findings] == [
        Telling(targets=("dba",), end=True),
        Telling(targets=("dba",), end=False),
    ]


def test_a_replay_plays_thresholds_with_the_events_that_they_compare(database: Database, parts: SLOParts) -> None:
    slow = [Request(END - 1 - back, "/pay", 200, 2_000_000) for back in range(30, 60) for _ in range(10)]
    quick = [Request(END - 1 - back, "/pay", 200, 1_000) for back in range(90) for _ in range(90)]
    store(database, [*slow, *quick])

    (replayed,) = parts.slos.replay(asking(policy("slow", "p99 > 1s")), (), NOW, timedelta(hours=1))

    assert [alert_text(page.alert) for page in replayed.pages] == ["p99 > 1s 10m"]
