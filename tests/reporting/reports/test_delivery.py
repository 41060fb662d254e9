"""Reports by mail, to a real server: what is in the letter, and that it arrives also when the server was away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace as changed

from app.core.notify.channels import make_channels
from app.core.notify.delivery import Deliveries
from app.core.notify.routes import routes_of
from app.report_composition import report_enclosures
from reporting.reports import schedule_run
from reporting.reports.archive import Paper
from reporting.reports.delivery_text import subject_of, text_of
from reporting.reports.first_page import first_page
from reporting.reports.model import Kind, Scope
from reporting.reports.schedule import Rhythm
from tests.core.notify.receivers import take_mail
from tests.reporting.reports.conftest import OCTOBER
from tests.reporting.reports.sample import empty_month, good_month

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.settings import Settings
    from tests.core.notify.receivers import Mailbox
    from tests.reporting.reports.conftest import Workshop

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    yield from take_mail()


@pytest.fixture
def deliveries(settings: Settings, workshop: Workshop, mailbox: Mailbox) -> Deliveries:
    mailing = replace(
        settings, smtp_url=mailbox.url, mail_from="slipstream@slip.example", outgoing_networks="127.0.0.0/8"
    )
    channels = make_channels(mailing, report_enclosures(workshop.database))
    return Deliveries(workshop.database, routes_of(mailing), channels.send, clock=lambda: workshop.now)


def deliver(workshop: Workshop, deliveries: Deliveries, *, by: str = "task") -> None:
    for letter in workshop.letters():
        deliveries.deliver(letter.subject, by=by)


@pytest.fixture
def subscribed(workshop: Workshop) -> Workshop:
    """Mia's weekly report is made, and waits to be sent."""
    rhythm = Rhythm(kind=Kind.WEEKLY, timezone="Europe/Berlin", hour=7, scope=Scope(service="checkout"))
    workshop.subscriptions.add(rhythm, workshop.now, audience=["mia@example.org"], paper=Paper.LETTER, by="ben")
    workshop.now = MONDAY
    workshop.schedule.run(MONDAY)
    workshop.make()
    return workshop


def test_a_report_arrives_with_its_first_page_its_pdf_and_a_way_out(
    subscribed: Workshop, deliveries: Deliveries, mailbox: Mailbox
) -> None:
    deliver(subscribed, deliveries)

    (message,) = mailbox.messages
    report = good_month()
    assert message["To"] == "mia@example.org"
    assert message["Subject"] == f"{report.title}, 4 of 4 promises kept"
    assert message["Message-ID"].startswith("<snd_")
    assert message["List-Unsubscribe"].startswith("<https://slip.example/unsubscribe/sub_")
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert report.verdict.sentence in text.get_content().replace("\r\n", "\n")
    assert message["List-Unsubscribe"].strip("<>") in text.get_content()
    assert page is not None
    (archived,) = subscribed.reports.page(kind=None, service=None, after=None, limit=2)
    address = f"https://slip.example/ui/reports/{archived.report_id}"
    assert f"On the web: {address}\n" in text.get_content().replace("\r\n", "\n")
    assert f'<a href="{address}"' in page.get_content()
    assert "<table" in page.get_content()
    (pdf,) = message.iter_attachments()
    assert pdf.get_filename() == "slipstream-checkout-weekly-2026-W47.pdf"
    assert pdf.get_content() == b"%PDF-letter-2026-W47"


def test_a_server_that_fails_and_comes_back_gets_the_same_message(
    subscribed: Workshop, deliveries: Deliveries, mailbox: Mailbox
) -> None:
    mailbox.answers = ["451 later", "451 later"]
    for _ in range(3):
        deliver(subscribed, deliveries)
        subscribed.later(minutes=30)

    (message,) = mailbox.messages
    (letter,) = subscribed.letters()
    assert message["Message-ID"] == f"<{letter.id}@slip.example>"
    deliver(subscribed, deliveries)
    assert len(mailbox.messages) == 1


def test_of_two_workers_one_sends_it(subscribed: Workshop, deliveries: Deliveries, mailbox: Mailbox) -> None:
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda number: deliver(subscribed, deliveries, by=f"task-{number}"), range(2)))

    assert len(mailbox.messages) == 1


def test_somebody_who_sends_it_now_sends_it_once_it_is_made(
    workshop: Workshop, deliveries: Deliveries, mailbox: Mailbox
) -> None:
    workshop.order()
    workshop.reports.send(OCTOBER.report_id, ["zoe@example.org", "zoe@example.org"], by="mia")
    assert workshop.letters() == []
    workshop.make()
    workshop.reports.send(OCTOBER.report_id, ["ada@example.org"], by="mia", paper=Paper.LETTER)
    workshop.make()
    deliver(workshop, deliveries)

    assert mailbox.recipients == ["zoe@example.org", "ada@example.org"]
    attached = [next(message.iter_attachments()).get_content() for message in mailbox.messages]
    assert attached == [b"%PDF-a4-2026-10", b"%PDF-letter-2026-10"]
    assert all(message["List-Unsubscribe"] is None for message in mailbox.messages)


def test_a_report_that_was_deleted_is_not_sent_half(
    subscribed: Workshop, deliveries: Deliveries, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reporting.reports.archive_store.find_file", lambda *_: None)
    deliver(subscribed, deliveries)

    assert mailbox.messages == []


def test_a_schedule_that_is_killed_in_the_middle_has_done_nothing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rhythm = Rhythm(kind=Kind.WEEKLY, timezone="UTC", hour=7, scope=Scope())
    workshop.subscriptions.add(rhythm, workshop.now, audience=["mia@example.org"], paper=Paper.A4, by="ben")

    def kill(_name: str) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(schedule_run, "failpoint", kill)
        with pytest.raises(SystemExit):
            workshop.schedule.run(MONDAY + timedelta(hours=2))
    assert workshop.reports.page(kind=None, service=None, after=None, limit=9) == []

    workshop.schedule.run(MONDAY + timedelta(hours=2))
    assert len(workshop.reports.page(kind=None, service=None, after=None, limit=9)) == 1


def test_words_from_outside_are_words_in_a_mail() -> None:
    hostile: Any = "<script>alert(1)</script>\r\nBcc: evil@example.com"
    report = good_month()
    verdict = changed(report.verdict, sentence=hostile, remarks=(hostile,))
    report = changed(report, title=hostile, verdict=verdict, promises=(changed(report.promises[0], name=hostile),))

    assert "<script" not in first_page(report)
    assert "&lt;script&gt;" in first_page(report)
    assert hostile in subject_of(report)  # Whoever writes the header makes one line of it.
    assert text_of(report, "https://slip.example")


def test_of_a_month_without_data_no_number_is_told() -> None:
    text = text_of(empty_month(), "https://slip.example")

    assert "100 %" not in text
    assert "no data" in text
    assert subject_of(empty_month()).endswith("nothing to judge")
