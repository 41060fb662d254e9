"""`/alerts`, `/silences`, `/incidents`, as operators use them, and as nobody else may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.reporting.alerts.conftest import FAST, B, reading

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.conftest import World
    from tests.reporting.alerts.conftest import Days

OPERATOR = {"Authorization": "Bearer the-token-of-the-operator"}


def get(client: FlaskClient, path: str) -> Any:
    response = client.get(path, headers=OPERATOR)
    assert response.status_code == 200, response.json
    return response.json


def test_alerts_are_listed_the_last_to_breach_first(client: FlaskClient, days: Days) -> None:
    days.say(reading("a", B))
    days.say(reading("a", B), reading("b", B))

    found = get(client, "/alerts")

    assert [alert["slo"] for alert in found["alerts"]] == ["b", "a"]
    assert found["next"] is None
    assert found["evaluated_at"] is not None
    alert = found["alerts"][1]
    assert (alert["rule"], alert["state"], alert["severity"], alert["service"]) == (FAST, "firing", "page", "checkout")
    assert alert["figures"] == {
        "target": "0.999",
        "limit": "14.4",
        "burn_rates": {"1h": "20.31", "5m": "88.2"},
        "budget_remaining_ratio": "0.62",
    }


def test_pages_of_alerts_follow_one_another_and_miss_nobody(client: FlaskClient, days: Days) -> None:
    days.say(*[reading(f"s{number}", B) for number in range(5)])

    seen: list[str] = []
    query = "?limit=2"
    while query:
        page = get(client, f"/alerts{query}")
        seen += [alert["slo"] for alert in page["alerts"]]
        query = f"?limit=2&after={page['next']}" if page["next"] else ""

    assert sorted(seen) == [f"s{number}" for number in range(5)]


def test_filters_name_a_state_a_service_an_slo_and_whether_it_is_over(client: FlaskClient, days: Days) -> None:
    days.say(reading("a", B), reading("b", B, service="search"))
    days.say(reading("b", B, service="search"))

    def names(query: str) -> list[str]:
        return [alert["slo"] for alert in get(client, f"/alerts?{query}")["alerts"]]

    assert names("state=removed") == ["a"]
    assert names("over=false") == ["b"]
    assert names("service=search&severity=page") == ["b"]
    assert names("slo=a") == ["a"]
    assert names("slo=nobody") == []


@pytest.mark.parametrize(
    "path",
    [
        "/alerts?limit=0",
        "/alerts?state=angry",
        "/alerts?after=x",
        "/alerts?after=WyJ4IiwieCJd",
        "/alerts?service=%00",
        "/alerts?over=maybe",
        "/silences?all=x",
        "/incidents?open=x",
        "/incidents?after=%ff",
    ],
)
def test_a_query_that_means_nothing_is_refused(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers=OPERATOR)

    assert (response.status_code, response.json["type"].rpartition("/")[2]) == (400, "malformed-request")


def test_an_alert_is_acknowledged_once_and_its_history_says_by_whom(client: FlaskClient, days: Days) -> None:
    days.say(reading("a", B))
    alert_id = get(client, "/alerts")["alerts"][0]["alert_id"]

    for _ in range(2):
        response = client.post(f"/alerts/{alert_id}/ack", headers=OPERATOR)
        assert (response.status_code, response.json["state"]) == (200, "acknowledged")

    history = get(client, f"/alerts/{alert_id}")["changes"]
    assert [(change["state"], change["actor"]) for change in history] == [
        ("firing", None),
        ("acknowledged", "operator"),
    ]
    assert days.events() == ["firing", "acknowledged"]
    assert days.told()[1]["text"].startswith("operator is on it.")


def test_what_does_not_fire_is_not_acknowledged(client: FlaskClient, days: Days) -> None:
    days.say(reading("a", B))
    days.say()
    alert_id = get(client, "/alerts")["alerts"][0]["alert_id"]

    assert client.post(f"/alerts/{alert_id}/ack", headers=OPERATOR).status_code == 409
    for missing in ("alr_00000000000000000000", "%00", "x" * 300):
        assert client.post(f"/alerts/{missing}/ack", headers=OPERATOR).status_code == 404


ROUTES = [
    ("GET", "/alerts"),
    ("GET", "/alerts/alr_00000000000000000000"),
    ("POST", "/alerts/alr_00000000000000000000/ack"),
    ("GET", "/silences"),
    ("POST", "/silences"),
    ("DELETE", "/silences/sil_00000000000000000000"),
    ("GET", "/incidents"),
    ("POST", "/incidents"),
    ("GET", "/incidents/inc_00000000000000000000"),
    ("PATCH", "/incidents/inc_00000000000000000000"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_accounts_see_and_change_nothing_of_it(client: FlaskClient, world: World, method: str, path: str) -> None:
    theirs = client.open(path, method=method, headers={"Authorization": f"Bearer {world.alice.key}"}, json={})
    nobody = client.open(path, method=method, json={})

    assert (theirs.status_code, nobody.status_code) == (403, 401)


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_a_silence_is_made_listed_and_ended(client: FlaskClient) -> None:
    wanted = {"service": "checkout", "severity": "page", "ends_at": in_hours(2), "reason": "We move."}
    made = client.post("/silences", headers=OPERATOR, json=wanted)
    assert made.status_code == 201
    assert (made.json["author"], made.json["slo"], made.json["severity"]) == ("operator", None, "page")
    address = f"/silences/{made.json['silence_id']}"

    assert [silence["silence_id"] for silence in get(client, "/silences")["silences"]] == [made.json["silence_id"]]
    assert client.delete(address, headers=OPERATOR).status_code == 204
    assert client.delete(address, headers=OPERATOR).status_code == 404

    assert get(client, "/silences")["silences"] == []
    (ended,) = get(client, "/silences?all=true")["silences"]
    assert ended["ended_by"] == "operator"


def test_a_silence_that_has_not_begun_can_be_ended(client: FlaskClient) -> None:
    wanted = {"slo": "a", "starts_at": in_hours(1), "ends_at": in_hours(2), "reason": "later"}
    made = client.post("/silences", headers=OPERATOR, json=wanted).json

    assert client.delete(f"/silences/{made['silence_id']}", headers=OPERATOR).status_code == 204


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"service": None}, "service"),
        ({"ends_at": "2013-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "2413-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "2026-11-22T10:00:00"}, "ends_at"),
        ({"severity": "angry"}, "severity"),
        ({"reason": ""}, "reason"),
        ({"service": "a\0b"}, "service"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(client: FlaskClient, changed: dict[str, Any], field: str) -> None:
    wanted = {"service": "checkout", "ends_at": in_hours(2), "reason": "We move.", **changed}

    response = client.post("/silences", headers=OPERATOR, json=wanted)

    assert response.status_code == 422
    assert response.json["errors"][0]["field"] == field


def test_an_incident_of_alerts_gets_a_cause_and_actions_and_keeps_its_times(client: FlaskClient, days: Days) -> None:
    days.say(reading("a", B))
    (found,) = get(client, "/incidents?open=true")["incidents"]
    address = f"/incidents/{found['incident_id']}"
    assert (found["source"], found["resolved_at"], found["started_at"]) == ("alerts", None, "2026-11-22T12:00:00Z")

    action = {"text": "Alert on it.", "owner": "Ada", "due": "2026-12-01"}
    written = client.patch(address, headers=OPERATOR, json={"root_cause": "A leak.", "actions": [action]})
    moved = client.patch(address, headers=OPERATOR, json={"started_at": "2026-11-22T11:00:00Z"})
    days.say(reading("a"), steps=6)

    assert (written.status_code, moved.status_code) == (200, 422)
    detail = get(client, address)
    assert detail["incident"]["root_cause"] == "A leak."
    assert detail["incident"]["actions"] == [{**action, "done": False}]
    assert detail["incident"]["resolved_at"] == "2026-11-22T12:02:30Z"
    assert [alert["slo"] for alert in detail["alerts"]] == ["a"]


def test_people_write_down_an_incident_that_no_alert_has_seen(client: FlaskClient, days: Days) -> None:
    wanted = {"service": "checkout", "title": "Charged twice", "started_at": in_hours(-2)}
    made = client.post("/incidents", headers=OPERATOR, json=wanted)
    assert (made.status_code, made.json["source"], made.json["author"]) == (201, "people", "operator")
    address = f"/incidents/{made.json['incident_id']}"

    over = client.patch(address, headers=OPERATOR, json={"resolved_at": in_hours(-1)})

    assert over.json["resolved_at"] is not None
    assert [each["title"] for each in get(client, "/incidents?service=checkout&open=false")["incidents"]] == [
        "Charged twice"
    ]
    # An alert of the same service opens one of its own.
    days.say(reading("a", B))
    assert len(get(client, "/incidents")["incidents"]) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"started_at": "2413-01-01T00:00:00Z"},
        {"started_at": "2026-11-22T10:00:00"},
        {"started_at": "0026-11-22T10:00:00Z"},
        {"started_at": "0001-01-01T00:00:00+14:00"},
        {"resolved_at": "2001-01-01T00:00:00Z"},
        {"title": ""},
        {"actions": [{"text": "a\0b"}]},
        {"root_cause": "a\0b"},
        {"severity": "angry"},
    ],
)
def test_an_incident_that_makes_no_sense_is_refused(client: FlaskClient, changed: dict[str, Any]) -> None:
    wanted = {"service": "checkout", "title": "x", "started_at": in_hours(-2), **changed}

    assert client.post("/incidents", headers=OPERATOR, json=wanted).status_code == 422
    assert get(client, "/incidents")["incidents"] == []


def test_times_are_answered_in_utc_wherever_they_were_written(client: FlaskClient) -> None:
    now = datetime.now(timezone(timedelta(hours=1))).replace(microsecond=0)
    began, ends = (now - timedelta(hours=2)).isoformat(), (now + timedelta(hours=2)).isoformat()
    incident = {"service": "checkout", "title": "x", "started_at": began, "resolved_at": began}
    silence = {"service": "checkout", "reason": "x", "starts_at": now.isoformat(), "ends_at": ends}

    written = client.post("/incidents", headers=OPERATOR, json=incident).json
    address = f"/incidents/{written['incident_id']}"
    moved = client.patch(address, headers=OPERATOR, json={"resolved_at": now.isoformat()}).json
    silenced = client.post("/silences", headers=OPERATOR, json=silence).json

    for answer in (written, moved, silenced):
        assert all(value.endswith("Z") for name, value in answer.items() if name.endswith("_at") and value)
    assert get(client, "/silences")["silences"] == [silenced]
    assert get(client, "/incidents")["incidents"] == [moved]
