"""Publishing incidents: by a hand, by a rule, and never by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from app.core.alert_tables import incidents
from app.core.problems import Problem
from reporting.alerts.incidents_service import Incidents, NewIncident
from reporting.publication.publication import Rule
from reporting.publication.publications import Publications, Publishing
from reporting.slo.burn_rate_alert import AlertSeverity
from tests.reporting.alerts.conftest import B, Days, reading

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.database import Database
    from tests.conftest import World

ADMIN = {"Authorization": "Bearer the-token-of-the-operator"}


@pytest.fixture
def days(database: Database) -> Days:
    return Days(database)


@pytest.fixture
def paged(days: Days) -> str:
    """A page alert fires, and has opened an incident."""
    days.say(reading("availability", B), steps=3)
    with days.database.begin() as connection:
        return str(connection.scalars(select(incidents.c.incident_id)).one())


@pytest.fixture
def publications(database: Database) -> Publications:
    return Publications(database)


def call(client: FlaskClient, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = client.open(path, method=method, json=body, headers=ADMIN)
    assert answer.status_code == status, answer.data
    return answer.get_json() if answer.data else None


def test_an_incident_of_an_alert_is_a_draft(paged: str, client: FlaskClient) -> None:
    call(client, "GET", f"/incidents/{paged}/publish", status=404)
    call(client, "POST", f"/incidents/{paged}/updates", {"status": "monitoring", "text": "Hm."}, status=404)


def test_it_is_published_with_words_for_everybody(paged: str, client: FlaskClient) -> None:
    published = call(client, "POST", f"/incidents/{paged}/publish", {})

    assert published["title"] == "Disturbance of checkout"
    assert published["published_by"] == "operator"
    again = call(client, "POST", f"/incidents/{paged}/publish", {"title": "Payments are slow"})
    assert (again["title"], again["published_at"]) == ("Payments are slow", published["published_at"])
    assert call(client, "POST", f"/incidents/{paged}/publish", {})["title"] == "Payments are slow"


def test_updates_are_told_in_their_order(paged: str, client: FlaskClient) -> None:
    call(client, "POST", f"/incidents/{paged}/publish", {})
    for status in ("investigating", "identified", "resolved"):
        call(client, "POST", f"/incidents/{paged}/updates", {"status": status, "text": f"{status}."}, status=201)

    found = call(client, "GET", f"/incidents/{paged}/publish")

    assert [each["text"] for each in found["updates"]] == ["investigating.", "identified.", "resolved."]
    assert found["resolved_at"] is None  # Its alerts say when it is over.


@pytest.mark.parametrize(
    "body",
    [{"status": "fine", "text": "x"}, {"status": "resolved", "text": ""}, {"status": "resolved"}, {"title": "a\nb"}],
)
def test_what_is_not_valid_is_refused(paged: str, client: FlaskClient, body: dict[str, str]) -> None:
    path = "publish" if "title" in body else "updates"

    call(client, "POST", f"/incidents/{paged}/{path}", body, status=422)


def test_a_withdrawn_one_is_a_draft_that_no_rule_publishes(
    days: Days, paged: str, client: FlaskClient, publications: Publications
) -> None:
    call(client, "POST", f"/incidents/{paged}/publish", {})
    call(client, "DELETE", f"/incidents/{paged}/publish", status=204)
    call(client, "DELETE", f"/incidents/{paged}/publish", status=404)

    assert publications.publish_by_rule(Rule.ALWAYS, days.now) == []
    call(client, "GET", f"/incidents/{paged}/publish", status=404)
    assert call(client, "POST", f"/incidents/{paged}/publish", {})["title"]


@pytest.mark.parametrize(
    ("rule", "published"), [(Rule.NEVER, set()), (Rule.PAGE, {"page"}), (Rule.ALWAYS, {"page", "ticket"})]
)
def test_a_rule_publishes_what_alerts_have_opened_once(
    days: Days, paged: str, publications: Publications, rule: Rule, published: set[str]
) -> None:
    with days.database.begin() as connection:
        values = connection.execute(select(incidents)).mappings().one()
        other = {**values, "incident_id": "inc_other", "severity": AlertSeverity.TICKET}
        connection.execute(incidents.insert().values(**other))
    Incidents(days.database).add(
        NewIncident(service="checkout", title="By hand", started_at=days.now), days.now, by="Ada"
    )

    found = publications.publish_by_rule(rule, days.now)

    names = {paged: "page", "inc_other": "ticket"}
    assert {names[each] for each in found} == published
    assert list(publications.publish_by_rule(rule, days.now)) == []
    if found:
        shown = publications.get(found[0])
        assert (shown.title, shown.published_by) == ("Disturbance of checkout", None)


def test_what_was_withdrawn_is_published_anew_by_who_does_it(
    days: Days, paged: str, publications: Publications
) -> None:
    publications.publish_by_rule(Rule.ALWAYS, days.now)
    publications.withdraw(paged, days.now + timedelta(minutes=1))

    again = publications.publish(paged, Publishing(), days.now + timedelta(minutes=2), by="Ada")
    renamed = publications.publish(paged, Publishing(title="Slow"), days.now + timedelta(minutes=3), by="Ben")

    for shown in (again, renamed):
        assert (shown.published_by, shown.published_at) == ("Ada", days.now + timedelta(minutes=2))


def test_a_rule_leaves_alone_what_is_over(days: Days, paged: str, publications: Publications) -> None:
    with days.database.begin() as connection:
        connection.execute(update(incidents).values(resolved_at=days.now))

    assert list(publications.publish_by_rule(Rule.ALWAYS, days.now + timedelta(minutes=1))) == []


def test_what_is_not_there_cannot_be_published(days: Days, publications: Publications) -> None:
    with pytest.raises(Problem, match="no such incident"):
        publications.publish("inc_none", Publishing(), days.now, by="Ada")
    with pytest.raises(Problem, match="not published"):
        publications.get("inc_none")


def test_accounts_publish_nothing(paged: str, client: FlaskClient, world: World) -> None:
    own = {"Authorization": f"Bearer {world.alice.key}"}

    for method, path in (("GET", "publish"), ("POST", "publish"), ("DELETE", "publish"), ("POST", "updates")):
        assert client.open(f"/incidents/{paged}/{path}", method=method, json={}, headers=own).status_code == 403
        assert client.open(f"/incidents/{paged}/{path}", method=method, json={}).status_code == 401
