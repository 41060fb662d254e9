from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.audit import Audit
from app.core.clock import CLOCK
from app.core.roles import Role
from app.domain.calendar import Calendar, Unit
from reporting.reports.archive import ReportError
from reporting.reports.subscription_links import SubscriptionLinks
from tests.dashboards.web.people import person, text_of
from tests.reporting.reports.conftest import OCTOBER, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.dashboards.web.people import Person

ID = OCTOBER.report_id


@pytest.fixture
def workshop(database: Database) -> Workshop:
    return Workshop(database)


@pytest.fixture
def ready(workshop: Workshop) -> str:
    """The id of a report that is made."""
    workshop.order()
    workshop.make()
    return ID


@pytest.fixture
def mailing(settings: Settings, database: Database) -> Iterator[Person]:
    """A manager of an installation with a mail server."""
    with_server = replace(settings, smtp_url="smtp://127.0.0.1:1")
    api = compose_api(with_server, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    yield person(api.app, database, Role.MANAGER)
    api.close()


def make_all(workshop: Workshop) -> None:
    """Make what was ordered, as a worker does that comes when the task of the order is taken for lost."""
    workshop.now = datetime.now(UTC) + timedelta(minutes=10)
    workshop.make()


def recorded(database: Database, count: int) -> list[tuple[str, str]]:
    return [(entry.actor.name.partition("@")[0], entry.action) for entry in Audit(database).page(limit=count)]


def last_month() -> str:
    return Calendar(Unit.MONTH, "UTC").at(CLOCK.now()).previous().name


def test_an_empty_archive_teaches(viewer: Person, manager: Person) -> None:
    page, theirs = text_of(viewer.get("/ui/reports")), text_of(manager.get("/ui/reports"))

    assert "No report yet A report answers on its first page whether promises were kept" in page
    assert "Make the report" not in page
    assert "Make one above for a first look" in theirs
    assert "Make the report" in theirs


def test_a_manager_orders_a_report_watches_it_and_reads_it(
    manager: Person, viewer: Person, workshop: Workshop, database: Database
) -> None:
    ordered = manager.post("/ui/reports", period=last_month(), service="", timezone="", tier="", paper="a4")
    address = ordered.location
    waiting = viewer.get(f"{address}/live")
    listed = viewer.get("/ui/reports/live")
    make_all(workshop)
    done = viewer.get(f"{address}/live")

    assert ordered.status_code == 303
    assert recorded(database, 1) == [("manager", "reports.order")]
    assert f'hx-get="{address}/live" hx-trigger="every 2s"' in waiting.text
    assert "It is being made" in text_of(waiting)
    assert 'hx-trigger="every 3s"' in listed.text
    assert "Waiting" in text_of(listed)
    assert "hx-trigger" not in done.text
    assert "4 of 4 promises" in text_of(done)
    assert 'hx-trigger="every 30s"' in viewer.get("/ui/reports/live").text


def test_a_report_in_the_archive_shows_its_verdict_and_what_it_can_be_had_as(viewer: Person, ready: str) -> None:
    listed, one = viewer.get("/ui/reports"), viewer.get(f"/ui/reports/{ready}")

    assert "October 2026 Checkout · Europe/Berlin Ship 4 of 4 promises kept" in text_of(listed)
    assert "by mia" in text_of(listed)
    for suffix in ("html", "pdf", "csv", "json"):
        assert f"/ui/reports/{ready}.{suffix}" in listed.text
    assert "Promises Worst first" in text_of(one)
    assert "Send it" not in text_of(one)
    assert "No report matches" in text_of(viewer.get("/ui/reports?kind=weekly"))
    assert "No report matches" in text_of(viewer.get("/ui/reports?service=other"))
    assert viewer.get("/ui/reports?kind=daily").status_code == 400


@pytest.mark.parametrize(
    ("suffix", "kind", "begins", "how"),
    [
        ("html", "text/html; charset=utf-8", b"<style>", "inline"),
        ("pdf", "application/pdf", b"%PDF-a4-2026-10", "attachment"),
        ("csv", "application/zip", b"PK", "attachment"),
        ("json", "application/json", b"{}", "attachment"),
    ],
)
def test_a_report_is_downloaded_in_each_format(
    viewer: Person, ready: str, suffix: str, kind: str, begins: bytes, how: str
) -> None:
    answer = viewer.get(f"/ui/reports/{ready}.{suffix}")

    assert (answer.status_code, answer.content_type) == (200, kind)
    assert answer.data.startswith(begins)
    assert answer.headers["Content-Disposition"].startswith(f'{how}; filename="slipstream-checkout-monthly-2026-10.')
    assert viewer.get(f"/ui/reports/{ready}.{suffix}", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    if suffix == "html":
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_what_is_not_there_is_not_given(viewer: Person, workshop: Workshop) -> None:
    workshop.order()

    assert viewer.get(f"/ui/reports/{ID}.pdf").status_code == 409
    assert viewer.get(f"/ui/reports/{ID}.exe").status_code == 404
    assert viewer.get("/ui/reports/rpt_00000000000000000000").status_code == 404


def test_a_report_that_failed_says_why_and_offers_to_try_again(
    manager: Person, viewer: Person, workshop: Workshop, database: Database
) -> None:
    workshop.order()
    workshop.failures = [ReportError("The promise <b>x</b> cannot be read.")] * 4
    for _ in range(4):
        try:
            workshop.make()
        except ReportError:
            workshop.later(minutes=10)
    failed, looked = manager.get(f"/ui/reports/{ID}"), viewer.get(f"/ui/reports/{ID}")
    again = manager.post(f"/ui/reports/{ID}/again")
    make_all(workshop)

    assert "It could not be made The promise &lt;b&gt;x&lt;/b&gt; cannot be read. Try again" in text_of(failed)
    assert "Try again" not in text_of(looked)
    assert "hx-trigger" not in failed.text
    assert again.location == f"/ui/reports/{ID}"
    assert recorded(database, 1) == [("manager", "reports.order")]
    assert "4 of 4 promises" in text_of(viewer.get(f"/ui/reports/{ID}"))


def test_an_order_that_cannot_be_keeps_what_was_chosen(manager: Person) -> None:
    month = last_month()
    answer = manager.post(
        "/ui/reports", period=month, service="", timezone="Mars/Base", account_id="acme", tier="", paper="letter"
    )

    assert answer.status_code == 422
    assert f'<option value="{month}" selected="">' in answer.text
    assert '<option value="letter" selected="">' in answer.text
    assert 'value="Mars/Base"' in answer.text
    assert re.search(r'name="timezone"[^>]*aria-invalid="true"', answer.text)
    assert "There is no time zone &#x27;Mars/Base&#x27;; it is a name like Europe/Berlin." in answer.text


def test_a_report_is_sent_to_addresses(
    mailing: Person, manager: Person, workshop: Workshop, ready: str, database: Database
) -> None:
    without = manager.post(f"/ui/reports/{ready}/send", to="mia@example.org", paper="a4")
    wrong = mailing.post(f"/ui/reports/{ready}/send", to="mia@example.org nobody", paper="a4")
    sent = mailing.post(f"/ui/reports/{ready}/send", to="mia@example.org,\r\nben@example.org", paper="a4")

    assert (without.status_code, wrong.status_code) == (409, 422)
    assert "SLIPSTREAM_SMTP_URL is not set" in without.text
    assert "mia@example.org nobody</textarea>" in wrong.text
    assert sent.location == f"/ui/reports/{ready}?sent=2#send"
    assert "It goes to 2 addresses" in text_of(mailing.get(sent.location))
    assert [letter.letter and letter.letter.to for letter in workshop.letters()] == [
        "mia@example.org",
        "ben@example.org",
    ]
    (entry,) = Audit(database).page(limit=1)
    assert (entry.action, entry.detail) == ("reports.send", {"to": ["mia@example.org", "ben@example.org"]})


def test_a_schedule_is_made_changed_served_now_and_ended(
    mailing: Person, viewer: Person, workshop: Workshop, database: Database
) -> None:
    fields = {"kind": "weekly", "service": "", "tier": "", "hour": "7", "timezone": "Europe/Berlin", "paper": "a4"}
    empty = text_of(viewer.get("/ui/reports/schedule"))
    made = mailing.post("/ui/reports/schedule", audience="mia@example.org\r\nben@example.org", **fields)
    (held,) = workshop.subscriptions.all()
    one = f"/ui/reports/schedule/{held.subscription_id}"
    theirs, ours = text_of(viewer.get("/ui/reports/schedule")), text_of(mailing.get("/ui/reports/schedule"))
    form = mailing.get(one)
    changed = mailing.post(
        one,
        audience="mia@example.org",
        audience_digest=digest_on(form),
        **{**fields, "hour": "9", "service": "checkout"},
    )
    (after,) = workshop.subscriptions.all()
    sent = mailing.post(f"{one}/send")
    make_all(workshop)
    refused = mailing.post(one, audience="mia", **{**fields, "timezone": "Nowhere"})
    ended = mailing.post(f"{one}/remove")

    assert "Nothing is scheduled" in empty
    assert (made.status_code, changed.status_code, ended.status_code) == (303, 303, 303)
    assert "To 2 readers by manager@example.com" in theirs
    assert "mia@example.org, ben@example.org by manager@example.com 07:00 Europe/Berlin next in" in ours
    assert ">mia@example.org\nben@example.org</textarea>" in form.text
    assert (after.rhythm.hour, after.rhythm.scope.service, after.audience) == (9, "checkout", ("mia@example.org",))
    assert (after.subscription_id, after.next_period, after.author) == (
        held.subscription_id,
        held.next_period,
        held.author,
    )
    assert after.due_at > held.due_at
    assert re.fullmatch(r"/ui/reports/rpt_\w{20}\?sent=1", sent.location)
    assert [letter.letter and letter.letter.to for letter in workshop.letters()] == ["mia@example.org"]
    assert refused.status_code == 422
    assert ">mia</textarea>" in refused.text.replace("\n", "")
    assert workshop.subscriptions.all() == []
    assert recorded(database, 6) == [
        ("manager", "subscriptions.remove"),
        ("manager", "subscriptions.change.refused"),
        ("manager", "subscriptions.change"),
        ("manager", "reports.send"),
        ("manager", "subscriptions.change"),
        ("manager", "subscriptions.add"),
    ]


def test_a_schedule_that_is_changed_puts_nobody_back_who_has_left(
    mailing: Person, workshop: Workshop, database: Database
) -> None:
    fields = {"kind": "weekly", "hour": "9", "timezone": "UTC", "paper": "a4"}
    both = "mia@example.org\r\nben@example.org"
    mailing.post("/ui/reports/schedule", audience=both, **fields)
    (held,) = workshop.subscriptions.all()
    one = f"/ui/reports/schedule/{held.subscription_id}"
    seen = digest_on(mailing.get(one))
    leave(workshop, database, held.subscription_id, "ben@example.org")

    wrong = mailing.post(one, audience=both, audience_digest=seen, **{**fields, "timezone": "Nowhere"})
    late = mailing.post(one, audience=both, audience_digest=digest_on(wrong), **{**fields, "hour": "11"})
    left = workshop.subscriptions.all()
    again = mailing.post(one, audience="mia@example.org", audience_digest=digest_on(late), **{**fields, "hour": "11"})

    assert (wrong.status_code, late.status_code, again.status_code) == (422, 409, 303)
    assert left[0].audience == ("mia@example.org",)
    assert "Somebody has left the list, or it was changed, since you looked at it." in text_of(late)
    assert ">mia@example.org</textarea>" in late.text
    assert '<option value="11" selected="">' in late.text
    assert mailing.post(one, audience=both, **fields).status_code == 409
    assert [each.audience for each in workshop.subscriptions.all()] == [("mia@example.org",)]


def test_a_schedule_that_two_people_change_is_shown_to_the_second_as_it_is_by_then(
    mailing: Person, workshop: Workshop
) -> None:
    fields = {"kind": "weekly", "hour": "7", "timezone": "UTC", "paper": "a4"}
    mailing.post("/ui/reports/schedule", **fields)
    (held,) = workshop.subscriptions.all()
    one = f"/ui/reports/schedule/{held.subscription_id}"
    seen = dict(re.findall(r'name="(audience_digest|digest)" value="(\w+)"', mailing.get(one).text))

    first = mailing.post(one, **{**fields, "hour": "9"}, **seen)
    wrong = mailing.post(one, **{**fields, "paper": "letter", "timezone": "Nowhere"}, **seen)
    kept = dict(re.findall(r'name="(audience_digest|digest)" value="(\w+)"', wrong.text))
    late = mailing.post(one, **{**fields, "paper": "letter"}, **kept)
    (after,) = workshop.subscriptions.all()

    assert (first.status_code, wrong.status_code, late.status_code) == (303, 422, 409)
    assert (after.rhythm.hour, after.paper) == (9, "a4")
    assert re.search(r'<option value="9" selected(="")?>', late.text)
    assert "or it was changed, since you looked at it." in text_of(late)


def digest_on(page: TestResponse) -> str:
    return str(re.findall(r'name="audience_digest" value="(\w+)"', page.text)[0])


def leave(workshop: Workshop, database: Database, subscription_id: str, address: str) -> None:
    with database.begin() as connection:
        link = SubscriptionLinks("").link(connection, subscription_id, address, workshop.now)
    workshop.subscriptions.leave(link.rpartition("/")[2], workshop.now)
