"""The link in a report's mail: looking changes nothing, one click does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.audit import Audit
from reporting.reports.archive import Paper
from reporting.reports.model import Kind, Scope
from reporting.reports.schedule import Rhythm
from reporting.reports.subscription_links import SubscriptionLinks
from tests.reporting.reports.conftest import Workshop

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.database import Database


@pytest.fixture
def workshop(database: Database) -> Workshop:
    return Workshop(database)


@pytest.fixture
def link(workshop: Workshop) -> str:
    """The path of a link in a mail to Mia."""
    rhythm = Rhythm(kind=Kind.WEEKLY, timezone="UTC", hour=7, scope=Scope(service="<b>checkout</b>"))
    added = workshop.subscriptions.add(
        rhythm, workshop.now, audience=["mia@example.org", "ben@example.org"], paper=Paper.A4, by="ben"
    )
    with workshop.database.begin() as connection:
        links = SubscriptionLinks("https://slip.example")
        link = links.link(connection, added.subscription_id, "mia@example.org", datetime.now(UTC))
    return link.removeprefix("https://slip.example")


def test_looking_asks_and_changes_nothing_however_often(client: FlaskClient, workshop: Workshop, link: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        assert client.open(link, method=method).status_code == 200

    page = client.get(link)

    assert "mia@example.org gets the weekly reports of &lt;b&gt;checkout&lt;/b&gt;" in page.text
    assert '<form method="post">' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert len(workshop.subscriptions.all()[0].audience) == 2


def test_one_click_of_a_mail_program_is_enough(client: FlaskClient, workshop: Workshop, link: str) -> None:
    for _ in range(2):
        done = client.post(link, data={"List-Unsubscribe": "One-Click"})
        assert (done.status_code, "You get no more of these reports" in done.text) == (200, True)

    (left,) = workshop.subscriptions.all()
    assert left.audience == ("ben@example.org",)
    entry = Audit(workshop.database).page(limit=1)[0]
    assert (entry.actor.name, entry.action, entry.subject) == ("link", "subscriptions.leave", left.subscription_id)
    assert "mia@example.org" not in str(entry)
    assert "not on the list" in client.get(link).text


def test_after_the_subscription_has_ended_nothing_is_left_to_leave(
    client: FlaskClient, workshop: Workshop, link: str
) -> None:
    workshop.subscriptions.remove(workshop.subscriptions.all()[0].subscription_id, workshop.now)

    assert client.get(link).status_code == 404
    assert client.post(link).status_code == 200


@pytest.mark.parametrize("token", ["x", "%00", "sub_1.1.1", f"sub_{'0' * 20}.{'0' * 16}.{'A' * 43}", "a" * 5_000])
def test_what_is_no_link_is_not_found(client: FlaskClient, token: str) -> None:
    assert client.get(f"/unsubscribe/{token}").status_code == 404
    assert client.post(f"/unsubscribe/{token}").status_code == 404
