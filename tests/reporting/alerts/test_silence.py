"""What a silence holds back, and what not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.alerts import silences_store
from reporting.alerts.silence import Silence
from tests.reporting.alerts.conftest import FAST, B, reading

if TYPE_CHECKING:
    from tests.reporting.alerts.conftest import Days


def silence(days: Days, minutes: int, **named: str) -> None:
    with days.database.begin() as connection:
        silences_store.add(
            connection,
            Silence(
                silence_id="sil_1",
                starts_at=days.now,
                ends_at=days.now + timedelta(minutes=minutes),
                author="operator",
                reason="tests",
                created_at=days.now,
                **named,
            ),
        )


def test_of_a_silenced_alert_nobody_is_told_unless_it_still_fires_afterwards(days: Days) -> None:
    silence(days, 10, service="checkout", severity="page")
    days.say(reading("a", B), reading("b", B, service="search"), steps=20)
    assert [each["service"] for each in days.told()] == ["search"]
    assert days.states()[f"a/{FAST}"] == "firing"

    days.say(reading("a", B), reading("b", B, service="search"))

    assert [each["service"] for each in days.told()] == ["search", "checkout"]


def test_a_silence_hides_what_it_names_alone(days: Days) -> None:
    silence(days, 10, slo="a")
    days.say(reading("a", B), reading("b", B))

    assert [alert["slo"] for alert in days.told()[0]["data"]["alerts"]] == ["b"]


def test_a_silence_holds_back_reminders_and_not_the_end_of_what_was_told(days: Days) -> None:
    days.say(reading("a", B))
    silence(days, 120, service="checkout")
    days.say(reading("a", B), steps=100)
    days.say(reading("a"), steps=6)

    assert days.events() == ["firing", "resolved"]
