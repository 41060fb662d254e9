"""Alerts of one cause are one incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from app.core.alert_tables import alerts
from tests.reporting.alerts.conftest import B, C, reading

if TYPE_CHECKING:
    from tests.reporting.alerts.conftest import Days


def test_fifty_accounts_that_see_one_cause_are_one_incident_and_one_page(days: Days) -> None:
    accounts = [reading(f"account-{number}", B) for number in range(50)]
    days.say(*accounts)

    (told,) = days.told()
    assert told["title"] == "checkout: account-0 and 49 more"
    assert len(told["data"]["alerts"]) == len(told["alerts"]) == 50
    assert told["text"].splitlines()[-1] == "… and 30 more."
    with days.database.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM incidents")) == 1


def test_those_who_see_it_later_are_gathered_for_five_minutes(days: Days) -> None:
    seen = [reading("account-0", B)]
    days.say(*seen)
    for number in range(1, 10):
        seen.append(reading(f"account-{number}", B))
        days.say(*seen)
    days.say(*seen)

    first, second = days.told()
    assert (first["event"], second["event"]) == ("incident.firing", "incident.updated")
    assert len(second["alerts"]) == 9
    assert first["subject"] == second["subject"]


def test_services_do_not_share_incidents_nor_do_pages_and_tickets(days: Days) -> None:
    days.say(reading("a", B), reading("b", B, service="search"), reading("c", C, C, B, service="search"))

    assert sorted((each["service"], each["urgency"]) for each in days.told()) == [
        ("checkout", "page"),
        ("search", "page"),
        ("search", "ticket"),
    ]


def test_what_breaches_after_the_end_is_a_new_alert_and_a_new_incident(days: Days) -> None:
    for _ in range(2):
        days.say(reading("a", B), steps=2)
        days.say(reading("a"), steps=6)

    assert days.events() == ["firing", "resolved"] * 2
    assert len({each["subject"] for each in days.told()}) == 2
    with days.database.begin() as connection:
        rows = connection.execute(select(alerts.c.current).order_by(alerts.c.breached_at)).scalars().all()
    assert rows == [False, True]
