"""Alerts over time, in PostgreSQL: what they become, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from app.core.alert_tables import alert_changes
from reporting.alerts import alerts_store
from reporting.alerts.alerts_service import Alerts
from reporting.alerts.evaluation import Evaluation
from reporting.alerts.reading import Unknown
from reporting.slo.alert_state import AlertState
from reporting.slo.state import SLOState
from tests.reporting.alerts.conftest import FAST, NOW, RULES, B, C, L, N, reading

if TYPE_CHECKING:
    from app.core.database import Database
    from reporting.slo.signals import Signal
    from tests.reporting.alerts.conftest import Days


def test_an_outage_is_one_page_and_its_end_another(days: Days) -> None:
    days.say(reading(), steps=2)
    days.say(reading("availability", B, B, B, B), steps=6)
    assert days.states() == {
        f"availability/{name}": "firing" for name in (FAST, "page-6h-30m", "ticket-1d-2h", "ticket-3d-6h")
    }
    days.say(reading(), steps=6)

    assert days.events() == ["firing", "resolved"]
    assert set(days.states().values()) == {"resolved"}


def test_what_is_told_says_what_burns_and_where_to_acknowledge(days: Days) -> None:
    days.say(reading("availability", B))

    (told,) = days.told()
    assert told["title"] == "checkout: availability"
    assert told["text"].splitlines() == [
        "It began at 2026-11-22 12:00:00 UTC.",
        "",
        (
            "availability (page-1h-5m) is firing: burns its error budget at 20.31 over 1h, 88.2 over 5m times the rate "
            "that lasts; the limit is 14.4."
        ),
    ]
    assert told["urgency"] == "page"
    assert told["link"].startswith("https://slip.example/ack/inc_")
    (alert,) = told["alerts"]
    assert alert["labels"] == {
        "alertname": "availability",
        "service": "checkout",
        "severity": "page",
        "rule": FAST,
        "origin": "slipstream",
    }
    assert (alert["starts_at"], alert["ends_at"]) == ("2026-11-22T12:00:00Z", None)
    assert told["data"]["alerts"][0]["burn_rates"] == {"1h": "20.31", "5m": "88.2"}


def test_every_field_of_the_machine_survives_a_restart(days: Days, database: Database) -> None:
    held = [replace(rule, hold=timedelta(minutes=1)) for rule in RULES]
    days.say(reading("a", B, rules=tuple(held)))
    days.say(reading("a", L, rules=tuple(held)))
    pending = days.standing()["a", FAST].alert

    assert (pending.state, pending.frozen, pending.counted) == (AlertState.PENDING, True, timedelta(0))
    days.say(reading("a", B, rules=tuple(held)), steps=2)
    assert days.standing()["a", FAST].alert.counted == timedelta(seconds=30)
    days.say(reading("a", B, rules=tuple(held)))
    days.say(reading("a", C, rules=tuple(held)), steps=2)

    clearing = days.standing()["a", FAST].alert
    assert (clearing.state, clearing.clearing, clearing.notified) == (AlertState.FIRING, True, True)
    assert clearing.counted == timedelta(seconds=30)
    assert clearing.seen_at == days.now - timedelta(seconds=30)
    assert clearing.breached_at == NOW


@pytest.mark.parametrize("unknown", [N, L])
def test_missing_data_and_low_traffic_freeze_an_alert_and_never_resolve_it(days: Days, unknown: Signal) -> None:
    days.say(reading("a", B))
    days.say(reading("a", *[unknown] * 4, budget_remaining_ratio=None, state=SLOState.NO_DATA), steps=40)

    assert days.states()[f"a/{FAST}"] == "firing"
    assert days.events() == ["firing"]


def test_low_traffic_pages_nobody(days: Days) -> None:
    low = reading("a", L, L, L, L, budget_remaining_ratio=Decimal(-3), state=SLOState.LOW_TRAFFIC)

    days.say(low, steps=10)

    assert days.states() == {}
    assert days.events() == []


def test_an_alert_of_an_slo_that_is_removed_is_removed_and_not_resolved(days: Days) -> None:
    days.say(reading("a", B), reading("b", B))
    days.say(reading("b", B))
    days.say()

    assert days.states() == {f"a/{FAST}": "removed", f"b/{FAST}": "removed"}
    assert days.events()[-1] == "removed"


def test_an_slo_that_cannot_be_read_freezes_its_alerts(days: Days) -> None:
    days.say(reading("a", B), reading("b", B))
    before = days.events()

    days.say(Unknown("a"), reading("b", B), steps=20)

    frozen = days.standing()["a", FAST].alert
    assert (frozen.state, frozen.frozen) == (AlertState.FIRING, True)
    assert days.events() == before
    days.say(reading("b", B))
    assert days.states()[f"a/{FAST}"] == "removed"


def test_a_rule_that_is_removed_takes_its_alert_along(days: Days) -> None:
    days.say(reading("a", B, B))
    days.say(reading("a", B, rules=RULES[1:], signals=(B, C, C)))

    assert days.states()[f"a/{FAST}"] == "removed"
    assert days.states()["a/page-6h-30m"] == "firing"


def test_each_change_is_told_in_exactly_one_notification(days: Days) -> None:
    for number in range(30):
        days.say(*[reading(f"s{i}", B if (number // (i + 5)) % 2 else C) for i in range(4)], steps=3)

    with days.database.begin() as connection:
        rows = connection.execute(select(alert_changes)).all()
    told = {each["id"] for each in days.told()}
    assert {row.notification_id for row in rows if row.notify} <= told | {None}
    assert all(row.notification_id is None for row in rows if not row.notify)
    assert len(told) == len(days.told())


def test_a_budget_that_goes_is_a_ticket_and_one_that_is_gone_another(days: Days) -> None:
    days.say(reading("a", budget_remaining_ratio=Decimal("0.1")))
    days.say(reading("a", budget_remaining_ratio=Decimal("-0.2"), state=SLOState.EXHAUSTED), steps=10)

    assert days.states() == {"a/budget-low": "firing", "a/budget-exhausted": "firing"}
    first, second = days.told()
    assert "a (budget-low) is firing: 10.0 % of the error budget is left." in first["text"]
    assert "a (budget-exhausted) is firing: -20.0 % of the error budget is left." in second["text"]
    assert first["urgency"] == "ticket"


def test_a_budget_that_goes_in_an_outage_is_told_when_the_page_is_over(days: Days) -> None:
    spent = {"budget_remaining_ratio": Decimal(-1), "state": SLOState.EXHAUSTED}
    days.say(reading("a", B, **spent), steps=4)
    assert [each["urgency"] for each in days.told()] == ["page"]

    days.say(reading("a", **spent), steps=6)

    assert [(each["urgency"], each["event"]) for each in days.told()] == [
        ("page", "incident.firing"),
        ("page", "incident.resolved"),
        ("ticket", "incident.firing"),
    ]


def test_a_page_that_nobody_acknowledges_is_told_again(days: Days, database: Database) -> None:
    days.say(reading("a", B), steps=62)
    assert days.events() == ["firing", "reminder"]
    (alert_id,) = [each.alert_id for each in days.standing().values()]

    Alerts(database, days.teller).acknowledge(alert_id, days.now, by="operator")
    days.say(reading("a", B), steps=130)

    assert days.events() == ["firing", "reminder", "acknowledged"]


def test_nothing_of_an_evaluation_is_left_when_it_fails_in_the_middle(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(days.teller, "tell", fail)
    with pytest.raises(ZeroDivisionError):
        days.say(reading("a", B))

    assert days.states() == {}
    monkeypatch.undo()
    days.say(reading("a", B))
    assert days.events() == ["firing"]


def test_two_evaluators_at_once_are_one_evaluation(days: Days, database: Database) -> None:
    days.slos = [reading("a", B)]
    others = [Evaluation(database, lambda _: days.slos, days.teller, spacing_s=20) for _ in range(3)]

    done = [other.run(NOW + timedelta(seconds=number), by=f"w{number}") for number, other in enumerate(others)]

    assert done == [True, False, False]
    assert days.events() == ["firing"]


def test_the_record_says_what_happened_to_an_alert(days: Days, database: Database) -> None:
    held = tuple(replace(rule, hold=timedelta(seconds=30)) for rule in RULES)
    days.say(reading("a", B, rules=held), steps=2)
    (alert_id,) = [each.alert_id for each in days.standing().values()]
    Alerts(database, days.teller).acknowledge(alert_id, days.now, by="operator")
    days.say(reading("a", rules=held), steps=6)

    with database.begin() as connection:
        changes = alerts_store.changes_of(connection, alert_id)
    assert [(str(each.state), each.actor, each.notification_id is not None) for each in changes] == [
        ("pending", None, False),
        ("firing", None, True),
        ("acknowledged", "operator", True),
        ("resolved", None, True),
    ]


def test_a_thousand_slos_are_evaluated_in_one_statement_each(days: Days, database: Database) -> None:
    statements: list[str] = []
    many = [reading(f"s{number}", B, B, B, B, service=f"service-{number % 50}") for number in range(1_000)]

    @event.listens_for(database.engine, "before_cursor_execute")
    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    days.say(*many)

    assert len(days.standing()) == 4_000
    assert len([each for each in statements if "INTO alerts " in each]) == 1
    assert len(days.told()) == 50
