from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.audit import Audit
from app.slo_composition import apply_shipped, compose_slos
from reporting.alerts import alerts_store
from reporting.alerts.alerts_store import Selection
from reporting.alerts.incidents_service import Incidents
from reporting.alerts.silences_service import Silences
from reporting.alerts.standing import Figures, StandingAlert, new_id
from reporting.publication.publications import Publications
from reporting.slo.alert_state import Alert, AlertState
from reporting.slo.burn_rate_alert import AlertSeverity
from tests.dashboards.web.people import text_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from app.core.database import Database
    from app.core.valkey import Valkey
    from tests.dashboards.web.people import Person

NOW = datetime.now(UTC)


@pytest.fixture
def firing(database: Database) -> str:
    alert = StandingAlert(
        alert_id=new_id("alr"),
        slo="availability",
        service="slipstream",
        rule="page-1h-5m",
        severity=AlertSeverity.PAGE,
        alert=Alert(
            state=AlertState.FIRING, since=NOW, breached_at=NOW - timedelta(minutes=9), seen_at=NOW, notified=True
        ),
        figures=Figures(target="0.999", limit="14.4", burn_rates={"1h": "20.5", "5m": None}),
    )
    with database.begin() as connection:
        alerts_store.save(connection, [alert])
    return alert.alert_id


def test_what_fires_is_shown_with_its_figures_and_who_looks_cannot_acknowledge(viewer: Person, firing: str) -> None:
    page = text_of(viewer.get("/ui/alerts"))
    one = text_of(viewer.get(f"/ui/alerts/{firing}"))

    assert "availability slipstream · page-1h-5m" in page
    assert "1h 20.5\u00d7, 5m \u2013" in page
    assert "Acknowledge" not in page.replace("Acknowledge one", "")
    assert "99.9 %" in one


def test_on_call_acknowledges_an_alert_by_name(oncall: Person, firing: str, database: Database) -> None:
    answer = oncall.post(f"/ui/alerts/{firing}/ack")

    assert answer.location == "/ui/alerts"
    with database.begin() as connection:
        (alert,) = alerts_store.page(connection, Selection(over=False), after=None, limit=10)
        (change,) = alerts_store.changes_of(connection, firing)
    assert (alert.alert.state, change.actor) == (AlertState.ACKNOWLEDGED, "oncall@example.com")
    assert Audit(database).page(limit=1)[0].action == "alerts.acknowledge"
    assert oncall.post("/ui/alerts/alr_missing/ack").status_code == 404
    assert Audit(database).page(limit=1)[0].action == "alerts.acknowledge.refused"


def test_on_call_silences_something_and_ends_it(oncall: Person, database: Database) -> None:
    nothing = oncall.post("/ui/silences", hours="4", reason="Load test")
    made = oncall.post("/ui/silences", hours="4", reason="Load test", service="checkout")
    (silence,) = Silences(database).page(datetime.now(UTC), everything=False, limit=10)
    shown = text_of(oncall.get("/ui/alerts"))
    ended = oncall.post(f"/ui/silences/{silence.silence_id}/end")

    assert nothing.status_code == 422
    assert "Name a service, an SLO or a severity" in nothing.text
    assert (made.status_code, ended.status_code) == (303, 303)
    assert (silence.author, silence.service) == ("oncall@example.com", "checkout")
    assert "Load test · oncall@example.com" in shown
    assert oncall.post("/ui/silences", hours="9", reason="x", service="y").status_code == 422


def test_an_incident_is_a_draft_until_it_is_published_by_one_click(
    oncall: Person, viewer: Person, nobody: Person, database: Database, database_url: str
) -> None:
    apply_shipped(database_url, NOW)
    began = (NOW - timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M")
    made = oncall.post(
        "/ui/incidents", service="slipstream", title="Disk of db-7 full", severity="page", started_at=began
    )
    draft = oncall.get(made.location)
    assert "Draft" in text_of(draft)
    assert 'name="title" value="Disturbance of slipstream"' in draft.text
    assert "Draft" in text_of(viewer.get("/ui/incidents"))

    click = oncall.post(f"{made.location}/publish", title="Disturbance of slipstream")

    assert click.location == f"{made.location}#public"
    assert "Everybody reads Disturbance of slipstream" in text_of(viewer.get(made.location))
    assert "Published" in text_of(viewer.get("/ui/incidents"))
    entry = Audit(database).page(limit=1)[0]
    assert (entry.actor.name, entry.action) == ("oncall@example.com", "incidents.publish")
    status = nobody.get("/status").text
    assert "Disturbance of slipstream" in status
    assert "db-7" not in status


def test_the_public_is_told_how_it_goes_on_and_a_draft_it_can_be_again(oncall: Person, database: Database) -> None:
    began = (NOW - timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M")
    page = oncall.post("/ui/incidents", service="checkout", title="x", severity="page", started_at=began).location
    assert oncall.post(f"{page}/updates", status="monitoring", text="It is <b>better</b>.").status_code == 404
    oncall.post(f"{page}/publish", title="Payments fail")

    refused = oncall.post(f"{page}/updates", status="monitoring", text="")
    told = oncall.post(f"{page}/updates", status="identified", text="It is <b>better</b>.")

    assert (refused.status_code, told.status_code) == (422, 303)
    assert "Identified" in text_of(oncall.get(page))
    assert "It is &lt;b&gt;better&lt;/b&gt;." in oncall.get(page).text
    assert oncall.post(f"{page}/publish", title="Payments are slow").status_code == 303
    assert Publications(database).get(page.rpartition("/")[2]).title == "Payments are slow"
    assert oncall.post(f"{page}/withdraw").status_code == 303
    assert Publications(database).find(page.rpartition("/")[2]) is None
    assert oncall.post(f"{page}/withdraw").status_code == 404


def test_an_incident_is_written_down_with_its_cause_and_actions(oncall: Person, database: Database) -> None:
    began = (NOW - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    made = oncall.post(
        "/ui/incidents", service="checkout", title="Slow <b>cards</b>", severity="page", started_at=began
    )
    changed = oncall.post(
        made.location,
        title="Slow cards",
        root_cause="One index\r\nwas missing.",
        action_text=["Add it", "", "Alert on scans"],
        action_owner=["mia", "", ""],
        action_due=["2026-12-01", "", ""],
        action_done="2",
    )
    (incident,) = Incidents(database).page(service=None, is_open=True, after=None, limit=10)
    page = oncall.get(made.location)

    assert (made.status_code, changed.status_code) == (303, 303)
    assert incident.root_cause == "One index\nwas missing."
    assert [(each.text, each.owner, each.done) for each in incident.actions] == [
        ("Add it", "mia", False),
        ("Alert on scans", "", True),
    ]
    assert "Slow cards" in text_of(oncall.get("/ui/incidents"))
    assert "Written down by oncall@example.com" in text_of(page)


def test_two_people_who_write_down_an_incident_undo_nothing_of_each_other(oncall: Person, database: Database) -> None:
    began = (NOW - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    address = oncall.post("/ui/incidents", service="checkout", title="x", severity="page", started_at=began).location
    seen = seen_on(oncall.get(address))

    ada = {"title": "x", "root_cause": "", **rows("Add an index", "")}
    ben = {"title": "x", "root_cause": "A missing index.", **rows("", "")}
    assert [oncall.post(address, **each, **seen).status_code for each in (ada, ben)] == [303, 303]
    incident, _ = Incidents(database).get(address.rpartition("/")[2])

    assert incident.root_cause == "A missing index."
    assert [action.text for action in incident.actions] == ["Add an index"]


def test_what_somebody_else_has_changed_meanwhile_is_shown_before_it_is_written_over(
    oncall: Person, database: Database
) -> None:
    began = (NOW - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    address = oncall.post("/ui/incidents", service="checkout", title="x", severity="page", started_at=began).location
    seen = seen_on(oncall.get(address))
    oncall.post(address, title="x", root_cause="A <b>missing</b> index.", **rows("Add it", "Alert"), **seen)

    mine = {"root_cause": "The moon.", **rows("Wait", "", "Look up")}
    wrong = oncall.post(address, title="", **mine, **seen)
    late = oncall.post(address, title="x", **mine, **seen_on(wrong))

    assert (wrong.status_code, late.status_code) == (422, 409)
    assert "It says now: \u201cA missing index.\u201d" in text_of(late).replace("&lt;b&gt;", "").replace(
        "&lt;/b&gt;", ""
    )
    assert "actions: It says now: \u201cAdd it; Alert\u201d" in text_of(late)
    assert "The moon.</textarea>" in late.text
    assert re.findall(r'name="action_text"[^>]*value="([^"]*)"', late.text) == ["Wait", "", "Look up", ""]
    assert Incidents(database).get(address.rpartition("/")[2])[0].root_cause == "A <b>missing</b> index."
    assert oncall.post(address, title="x", **mine, **seen_on(late)).status_code == 303
    assert Incidents(database).get(address.rpartition("/")[2])[0].root_cause == "The moon."


def rows(*texts: str) -> dict[str, list[str]]:
    """The rows of actions as a browser sends them."""
    return {"action_text": [*texts], "action_owner": [""] * len(texts), "action_due": [""] * len(texts)}


def seen_on(page: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'name="(seen_\w+)" value="(\w+)"', page.text))


def test_what_the_status_page_is_not_about_is_not_said_to_be_read(oncall: Person) -> None:
    began = (NOW - timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M")
    page = oncall.post("/ui/incidents", service="cellar", title="x", severity="page", started_at=began).location
    oncall.post(f"{page}/publish", title="Water in the cellar")

    shown = text_of(oncall.get(page))

    assert "The status page is not about cellar" in shown
    assert "Everybody reads" not in shown
    assert "Water in the cellar" not in oncall.get("/status").text


def test_what_cannot_be_is_named(oncall: Person) -> None:
    answer = oncall.post("/ui/incidents", service="", title="x", severity="page", started_at="2026-11-22T10:00")
    later = (NOW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")

    assert answer.status_code == 422
    assert "It must not be empty." in text_of(answer)
    assert oncall.post("/ui/incidents", service="a", title="x", severity="page", started_at=later).status_code == 422
    assert oncall.post("/ui/incidents", service="a", title="x", severity="page", started_at="soon").status_code == 422
    assert oncall.post("/ui/incidents", service="a", title="x\0", severity="page").status_code == 400


def test_a_manager_plans_maintenance_and_takes_it_back(manager: Person, database: Database, valkey: Valkey) -> None:
    manager.post(
        "/ui/maintenance",
        service="checkout",
        starts_at="2026-12-01T02:00",
        ends_at="2026-12-01T03:00",
        reason="Upgrade",
    )
    calendar = compose_slos(database, valkey).maintenance
    (window,) = calendar.every()
    page = text_of(manager.get("/ui/maintenance"))
    refused = manager.post("/ui/maintenance", starts_at="2026-12-01T02:00", ends_at="2026-12-01T01:00", reason="x")
    removed = manager.post(f"/ui/maintenance/{window.maintenance_id}/remove")

    assert (window.service, window.author, window.reason) == ("checkout", "manager@example.com", "Upgrade")
    assert "Upgrade manager@example.com checkout" in page
    assert refused.status_code == 422
    assert removed.status_code == 303
    assert calendar.every() == []
    assert manager.post(f"/ui/maintenance/{window.maintenance_id}/remove").status_code == 404
