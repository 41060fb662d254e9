from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.core.audit import Audit
from app.core.clock import CLOCK
from app.domain.calendar import Calendar, Unit
from reporting.reports.archive import ReportError
from tests.dashboards.web.conftest import make_all, recorded
from tests.dashboards.web.people import text_of
from tests.reporting.reports.conftest import OCTOBER

if TYPE_CHECKING:
    from app.core.database import Database
    from tests.dashboards.web.people import Person
    from tests.reporting.reports.conftest import Workshop

ID = OCTOBER.report_id


@pytest.fixture
def ready(workshop: Workshop) -> str:
    """The id of a report that is made."""
    workshop.order()
    workshop.make()
    return ID


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
