"""`/reports` over HTTP, by operators and by those who are none."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from reporting.reports.archive import Paper
from reporting.reports.subscription_links import SubscriptionLinks
from tests.reporting.reports.conftest import OCTOBER, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.conftest import World

ORDER = {"kind": "monthly", "period": "2026-10", "timezone": "Europe/Berlin", "service": "checkout"}
ID = OCTOBER.report_id


@pytest.fixture
def workshop(database: Database) -> Workshop:
    return Workshop(database)


@pytest.fixture
def operator(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.admin_token}"}


@pytest.fixture
def mailing(settings: Settings) -> Iterator[FlaskClient]:
    """The API of an installation with a mail server."""
    with_server = replace(settings, smtp_url="smtp://127.0.0.1:1")
    api = compose_api(with_server, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    yield api.app.test_client()
    api.close()


def test_a_report_is_ordered_made_and_read(client: FlaskClient, workshop: Workshop, operator: dict[str, str]) -> None:
    ordered = client.post("/reports", json=ORDER, headers=operator)
    assert ordered.status_code == 202
    assert ordered.headers["Location"] == f"/reports/{ID}"
    assert ordered.json is not None
    assert ordered.json["report_id"] == ID
    assert ordered.json["state"] == "queued"
    early = client.get(f"/reports/{ID}.pdf", headers=operator)
    assert (early.status_code, early.json["type"].rpartition("/")[2]) == (409, "conflict")  # type: ignore[index]

    workshop.making.make(ID, 1, by="task")

    shown = client.get(f"/reports/{ID}", headers=operator).json
    assert shown is not None
    assert shown["state"] == "ready"
    pdf = client.get(f"/reports/{ID}.pdf", headers=operator)
    assert (pdf.content_type, pdf.data) == ("application/pdf", b"%PDF-a4-2026-10")
    assert pdf.headers["Content-Disposition"] == 'inline; filename="slipstream-checkout-monthly-2026-10.pdf"'
    assert client.get(f"/reports/{ID}.pdf?paper=letter", headers=operator).status_code == 404
    assert client.get(f"/reports/{ID}.pdf?paper=a5", headers=operator).status_code == 400
    page: Any = client.get("/reports?kind=monthly&service=checkout", headers=operator).json
    assert [report["report_id"] for report in page["reports"]] == [ID]
    assert client.get("/reports?kind=weekly", headers=operator).json == {"reports": [], "next": None}


def test_a_report_on_one_paper_is_given_on_that_paper(
    client: FlaskClient, workshop: Workshop, operator: dict[str, str]
) -> None:
    workshop.order(paper=Paper.LETTER)
    workshop.make()

    assert client.get(f"/reports/{ID}.pdf", headers=operator).data == b"%PDF-letter-2026-10"
    assert client.get(f"/reports/{ID}.pdf?paper=a4", headers=operator).status_code == 404


def test_a_page_comes_with_a_policy_under_which_nothing_runs_and_nothing_is_loaded(
    client: FlaskClient, workshop: Workshop, operator: dict[str, str]
) -> None:
    workshop.order()
    workshop.make()

    page = client.get(f"/reports/{ID}.html", headers=operator)

    assert page.content_type == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_tables_come_together_or_one_by_one(client: FlaskClient, workshop: Workshop, operator: dict[str, str]) -> None:
    workshop.order()
    workshop.make()

    whole = client.get(f"/reports/{ID}.csv", headers=operator)
    assert whole.content_type == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(whole.data)).namelist()
    assert {name.rpartition("/")[2] for name in names} >= {"promises.csv", "routes.csv", "incidents.csv"}
    one = client.get(f"/reports/{ID}.csv?table=promises", headers=operator)
    assert one.content_type == "text/csv; charset=utf-8"
    assert "checkout-latency" in one.text
    assert one.headers["Content-Disposition"] == 'inline; filename="promises.csv"'
    for table in ("nothing", "../promises", ""):
        other = client.get(f"/reports/{ID}.csv?table={table}", headers=operator)
        assert other.status_code == 404
        assert "promises" in other.text


def test_what_somebody_has_is_not_sent_again(client: FlaskClient, workshop: Workshop, operator: dict[str, str]) -> None:
    workshop.order()
    workshop.make()
    etag = client.get(f"/reports/{ID}.json", headers=operator).headers["ETag"]

    again = client.get(f"/reports/{ID}.json", headers=operator | {"If-None-Match": f'"x", {etag}'})

    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"/reports/{ID}.json", headers=operator | {"If-None-Match": '"x"'}).status_code == 200


def test_two_reports_are_compared_figure_by_figure(
    client: FlaskClient, workshop: Workshop, operator: dict[str, str]
) -> None:
    september = replace(OCTOBER, period="2026-09")
    workshop.order()
    workshop.order(september)
    workshop.make()

    compared: Any = client.get(f"/reports/{ID}/compare?with={september.report_id}", headers=operator).json

    assert (compared["before"]["period"]["name"], compared["after"]["period"]["name"]) == ("2026-09", "2026-10")
    requests = next(change for change in compared["overview"] if change["figure"] == "requests")
    assert requests["before"] == requests["after"] == 41_160_116
    assert requests["change"] == 0
    assert {promise["slo"] for promise in compared["promises"]} >= {"availability", "checkout-latency"}
    assert client.get(f"/reports/{ID}/compare", headers=operator).status_code == 400
    assert client.get(f"/reports/{ID}/compare?with=rpt_nothing", headers=operator).status_code == 404


def test_a_report_is_ordered_by_its_kind_alone(client: FlaskClient, operator: dict[str, str]) -> None:
    ordered = client.post("/reports", json={"kind": "weekly"}, headers=operator)

    assert ordered.status_code == 202
    assert ordered.json is not None
    assert re.fullmatch(r"\d{4}-W\d\d", ordered.json["period"])
    assert ordered.json["timezone"] == "UTC"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "daily"},
        {"kind": "monthly", "period": "2026-W10"},
        {"kind": "monthly", "period": "2999-01"},
        {"kind": "monthly", "timezone": "Europe"},
        {"kind": "monthly", "paper": "a5"},
        {"kind": "monthly", "service": "a\nb"},
        {"kind": "monthly", "surprise": 1},
    ],
)
def test_an_order_of_nothing_is_refused(client: FlaskClient, operator: dict[str, str], wrong: dict[str, Any]) -> None:
    assert client.post("/reports", json=wrong, headers=operator).status_code == 422


def test_what_no_report_can_be_of_cannot_be_subscribed_to(client: FlaskClient, operator: dict[str, str]) -> None:
    body = {"kind": "weekly", "service": "checkout", "account_id": "acme"}

    refused: Any = client.post("/report-subscriptions", json=body, headers=operator)

    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["account_id"]
    assert client.get("/report-subscriptions", headers=operator).json == {"subscriptions": []}


def test_without_a_mail_server_nothing_can_be_sent(
    client: FlaskClient, workshop: Workshop, operator: dict[str, str]
) -> None:
    workshop.order()
    workshop.make()
    to = {"to": ["mia@example.org"]}

    assert client.post(f"/reports/{ID}/send", json=to, headers=operator).status_code == 409
    assert client.post("/reports", json=ORDER | {"send": True}, headers=operator).status_code == 409
    body = {"kind": "weekly", "audience": ["mia@example.org"]}
    assert client.post("/report-subscriptions", json=body, headers=operator).status_code == 409


def test_a_report_is_sent_when_somebody_says_so(
    mailing: FlaskClient, workshop: Workshop, operator: dict[str, str]
) -> None:
    workshop.order()
    workshop.make()

    sent = mailing.post(f"/reports/{ID}/send", json={"to": ["mia@example.org"]}, headers=operator)
    assert sent.status_code == 202
    assert [letter.letter.to for letter in workshop.letters() if letter.letter] == ["mia@example.org"]
    for nobody in (["mia"], ["a@b\r\nBcc: c@d"], [], ["a@b.example"] * 51):
        assert mailing.post(f"/reports/{ID}/send", json={"to": nobody}, headers=operator).status_code == 422
    unknown = mailing.post("/reports/rpt_nothing/send", json={"to": ["a@b.example"]}, headers=operator)
    assert unknown.status_code == 404


def test_a_subscription_is_changed_and_its_next_report_stays_the_next(
    mailing: FlaskClient, client: FlaskClient, operator: dict[str, str], world: World
) -> None:
    body = {"kind": "weekly", "audience": ["mia@example.org"], "timezone": "Europe/Berlin"}
    added: Any = mailing.post("/report-subscriptions", json=body, headers=operator).json
    place = f"/report-subscriptions/{added['subscription_id']}"

    body["audience_digest"] = added["audience_digest"]
    later: Any = mailing.put(place, json={**body, "hour": 9, "audience": []}, headers=operator).json
    body["audience_digest"] = later["audience_digest"]
    monthly: Any = mailing.put(place, json={**body, "kind": "monthly"}, headers=operator).json

    moved = {name: later[name] for name in ("audience_digest", "due_at")}
    assert later == {**added, "hour": 9, "audience": [], **moved}
    assert later["audience_digest"] != added["audience_digest"]
    assert later["due_at"] > added["due_at"]
    assert "W" not in monthly["next_period"]
    assert mailing.get("/report-subscriptions", headers=operator).json == {"subscriptions": [monthly]}
    assert mailing.put(f"{place[:-1]}x", json=body, headers=operator).status_code == 404
    assert mailing.put(place, json={**body, "timezone": "Mars"}, headers=operator).status_code == 422
    assert client.put(place, json=body, headers={"Authorization": f"Bearer {world.alice.key}"}).status_code == 403


def test_a_change_of_an_audience_that_nobody_has_looked_at_is_refused(
    mailing: FlaskClient, operator: dict[str, str], workshop: Workshop
) -> None:
    body = {"kind": "weekly", "audience": ["mia@example.org", "ben@example.org"]}
    added: Any = mailing.post("/report-subscriptions", json=body, headers=operator).json
    place = f"/report-subscriptions/{added['subscription_id']}"
    with workshop.database.begin() as connection:
        link = SubscriptionLinks("").link(connection, added["subscription_id"], "ben@example.org", workshop.now)
    assert mailing.post(link).status_code == 200
    listed: Any = mailing.get("/report-subscriptions", headers=operator).json
    (left,) = listed["subscriptions"]
    seen = {"audience_digest": added["audience_digest"]}

    late = mailing.put(place, json=body | seen, headers=operator)
    blind = mailing.put(place, json=body, headers=operator)

    assert (late.status_code, blind.status_code) == (409, 422)
    assert mailing.get("/report-subscriptions", headers=operator).json == {"subscriptions": [left]}
    assert left["audience"] == ["mia@example.org"]
    seen = {"audience_digest": left["audience_digest"]}
    assert mailing.put(place, json=body | seen, headers=operator).status_code == 200


def test_subscriptions_are_made_listed_and_ended(mailing: FlaskClient, operator: dict[str, str]) -> None:
    body = {"kind": "weekly", "audience": ["mia@example.org"], "timezone": "Europe/Berlin", "hour": 8}
    added = mailing.post("/report-subscriptions", json=body, headers=operator)
    assert added.status_code == 201
    assert added.json is not None
    name = added.json["subscription_id"]
    assert added.json["audience"] == ["mia@example.org"]

    listed: Any = mailing.get("/report-subscriptions", headers=operator).json
    assert listed["subscriptions"] == [added.json]
    assert mailing.delete(f"/report-subscriptions/{name}", headers=operator).status_code == 204
    assert mailing.delete(f"/report-subscriptions/{name}", headers=operator).status_code == 404
    assert mailing.get("/report-subscriptions", headers=operator).json == {"subscriptions": []}
    wrong = body | {"timezone": "Mars/Olympus"}
    assert mailing.post("/report-subscriptions", json=wrong, headers=operator).status_code == 422


def test_reports_are_for_operators_alone(client: FlaskClient, workshop: Workshop, world: World) -> None:
    workshop.order()
    workshop.make()
    routes = [
        ("GET", "/reports"),
        ("POST", "/reports"),
        ("GET", f"/reports/{ID}"),
        *(("GET", f"/reports/{ID}.{suffix}") for suffix in ("html", "pdf", "json", "csv")),
        ("GET", f"/reports/{ID}/compare?with={ID}"),
        ("POST", f"/reports/{ID}/send"),
        ("GET", "/report-subscriptions"),
        ("POST", "/report-subscriptions"),
        ("DELETE", "/report-subscriptions/sub_07d2e4b836005f1c9a00"),
    ]

    for method, path in routes:
        assert client.open(path, method=method).status_code == 401
        theirs = client.open(path, method=method, headers={"Authorization": f"Bearer {world.alice.key}"})
        assert theirs.status_code == 403
