"""What a policy asks for: plain thresholds, silence, its own targets, and whether the end is told."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.alert_tables import incidents
from reporting.alerts.reading import Finding, Telling
from reporting.slo.burn_rate_alert import AlertSeverity
from reporting.slo.no_data_alert import NoDataAlert
from reporting.slo.threshold_alert import Figure, ThresholdAlert
from tests.reporting.alerts.conftest import FAST, RULES, B, C, N, reading

if TYPE_CHECKING:
    from typing import Any

    from app.core.database import Database
    from reporting.slo.signals import Signal
    from tests.reporting.alerts.conftest import Days

QUIETLY = Telling(end=False)
TEAM = Telling(targets=("dba", "ticket"))


def burst(signal: Signal, telling: Telling = TEAM, *, hold: int = 0, severity: str = "ticket") -> Finding:
    rule = ThresholdAlert(
        figure=Figure.ERROR_RATE,
        severity=AlertSeverity(severity),
        window=timedelta(minutes=10),
        error_ratio=Fraction(1, 20),
        text="error_rate > 5%",
        hold=timedelta(minutes=hold),
    )
    return Finding(rule, signal, telling)


def silence(signal: Signal, *, hold: int = 0) -> Finding:
    rule = NoDataAlert(severity=AlertSeverity.PAGE, window=timedelta(minutes=5), hold=timedelta(minutes=hold))
    return Finding(rule, signal)


def only(days: Days) -> dict[str, Any]:
    (told,) = days.told()
    return told


def test_a_threshold_fires_after_its_time_and_says_what_it_compares(days: Days) -> None:
    days.say(reading("pay", findings=(burst(B, hold=1),)), steps=2)
    assert days.events() == []
    days.say(reading("pay", findings=(burst(B, hold=1),)))

    assert only(days)["text"].splitlines()[-1] == ("pay (ticket-error-rate-10m) is firing: error_rate > 5% over 10m.")
    assert days.states() == {"pay/ticket-error-rate-10m": "firing"}


def test_missing_data_freezes_a_threshold(days: Days) -> None:
    days.say(reading("pay", findings=(burst(B),)))
    days.say(reading("pay", findings=(burst(N),)), steps=40)

    assert days.states() == {"pay/ticket-error-rate-10m": "firing"}
    assert days.events() == ["firing"]


def test_whoever_is_paged_gets_no_ticket_on_a_figure_of_the_same_outage(days: Days) -> None:
    days.say(reading("pay", B, findings=(burst(B),)), steps=4)

    assert [each["urgency"] for each in days.told()] == ["page"]
    assert days.states()["pay/ticket-error-rate-10m"] == "firing"


def test_a_ticket_on_a_figure_holds_no_ticket_on_the_budget_back(days: Days) -> None:
    days.say(reading("pay", findings=(burst(B),)))
    days.say(reading("pay", C, C, B, findings=(burst(B),)), steps=12)

    told = {alert["rule"] for each in days.told() for alert in each["data"]["alerts"] if alert["state"] == "firing"}
    assert told == {"ticket-error-rate-10m", "ticket-1d-2h"}


def test_a_page_on_a_figure_holds_tickets_back(days: Days) -> None:
    days.say(reading("pay", C, C, B, findings=(burst(B, severity="page"),)), steps=4)

    assert [each["urgency"] for each in days.told()] == ["page"]


def test_an_alert_goes_to_the_targets_of_its_policy(days: Days) -> None:
    days.say(reading("pay", findings=(burst(B),)))
    days.say(reading("pay", findings=(burst(C),)), steps=6)

    assert [each["targets"] for each in days.told()] == [["dba", "ticket"]] * 2
    assert days.events() == ["firing", "resolved"]


def test_whoever_is_told_of_an_incident_is_told_of_the_rest_of_it(days: Days) -> None:
    days.say(reading("pay", findings=(burst(B),)))
    days.say(reading("pay", C, C, B, findings=(burst(C),)), steps=16)

    first, *_, last = days.told()
    assert first["targets"] == ["dba", "ticket"]
    assert last["targets"] == ["dba", "ticket"]
    assert {alert["rule"] for alert in last["data"]["alerts"]} == {"ticket-error-rate-10m", "ticket-1d-2h"}


def test_the_end_is_told_to_nobody_where_the_policy_says_so_and_the_incident_is_over(
    days: Days, database: Database
) -> None:
    quiet = (QUIETLY,) * len(RULES)
    days.say(reading("pay", B, telling=quiet))
    days.say(reading("pay", C, telling=quiet), steps=6)

    assert days.states() == {f"pay/{FAST}": "resolved"}
    assert days.events() == ["firing"]
    with database.begin() as connection:
        (resolved_at,) = connection.scalars(select(incidents.c.resolved_at))
    assert resolved_at == days.standing()["pay", FAST].alert.since

    days.say(reading("pay", B, telling=quiet))
    assert days.events() == ["firing", "firing"]


def test_the_end_is_told_when_one_of_the_policies_of_an_incident_tells_it(days: Days) -> None:
    days.say(reading("a", B), reading("b", B, telling=(QUIETLY,) * len(RULES)))
    days.say(reading("a", C), reading("b", C, telling=(QUIETLY,) * len(RULES)), steps=6)

    assert days.events() == ["firing", "resolved"]


def test_silence_is_told_after_its_time_and_ends_with_the_first_event(days: Days) -> None:
    days.say(reading("pay", N, N, N, N, findings=(silence(B, hold=2),)), steps=4)
    assert days.events() == []
    days.say(reading("pay", N, N, N, N, findings=(silence(B, hold=2),)))
    assert only(days)["text"].splitlines()[-1] == ("pay (page-no-data-5m) is firing: nothing is measured over 5m.")
    days.say(reading("pay", findings=(silence(C, hold=2),)), steps=6)

    assert days.events() == ["firing", "resolved"]


def test_an_outage_that_ends_in_silence_is_one_page(days: Days) -> None:
    days.say(reading("pay", B, findings=(silence(C),)))
    days.say(reading("pay", N, N, N, N, findings=(silence(B),)), steps=20)

    assert days.events() == ["firing"]
