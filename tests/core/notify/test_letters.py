"""Letters, as a mail server takes them and a mail program reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.core.notify.errors import DeliveryError
from app.core.notify.mail import Mailer
from app.core.notify.notification import Enclosure, Letter
from app.core.notify.routes import make_routes
from app.core.notify.smtp_server import parse_smtp
from app.core.notify.targets import Channel, Target

if TYPE_CHECKING:
    from app.core.notify.outgoing import Outgoing
    from tests.core.notify.receivers import Mailbox

LINK = f"https://slipstream.example.org/unsubscribe/sub_{'0' * 20}.{'1' * 16}.{'A' * 43}"
KEPT = {"page": "<p>Verfügbarkeit: 99,96 %</p>".encode(), "pdf": b"%PDF-1.7\x00\xff" * 1_000}
LETTER = Letter(
    to="mia@example.org",
    body="page",
    enclosures=(Enclosure(name="october.pdf", content_type="application/pdf", source="pdf"),),
    unsubscribe=LINK,
)
TARGET = Target(Channel.MAIL, "mia@example.org")


@pytest.fixture
def mailer(outgoing: Outgoing, mailbox: Mailbox) -> Mailer:
    return Mailer(outgoing, parse_smtp(mailbox.url), sender="slipstream@slip.example", enclosures=KEPT.get)


def test_a_letter_has_text_a_page_its_files_and_a_way_out(
    mailer: Mailer, mailbox: Mailbox, make_notification: Any
) -> None:
    mailer.send(TARGET, make_notification(letter=LETTER, title="Oktober: 4 von 4 gehalten", text="99,96 % waren gut."))

    (message,) = mailbox.messages
    assert message["To"] == "mia@example.org"
    assert message["Message-ID"] == "<ntf_1@slip.example>"
    assert message["List-Unsubscribe"] == f"<{LINK}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert text.get_content().strip() == "99,96 % waren gut."
    assert page is not None
    assert page.get_content().strip().encode() == KEPT["page"]
    (pdf,) = message.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", "october.pdf")
    assert pdf.get_content() == KEPT["pdf"]


def test_a_long_link_is_not_folded_into_what_no_program_reads(
    mailer: Mailer, mailbox: Mailbox, make_notification: Any
) -> None:
    mailer.send(TARGET, make_notification(letter=LETTER))

    (message,) = mailbox.messages
    assert dict(message.raw_items())["List-Unsubscribe"].strip() == f"<{LINK}>"  # As it came over the wire.


def test_hostile_words_add_no_header(mailer: Mailer, mailbox: Mailbox, make_notification: Any) -> None:
    mailer.send(
        TARGET, make_notification(letter=LETTER, title="x\r\nBcc: evil@example.com\n\n<script>", text="a\n.\nb")
    )

    (message,) = mailbox.messages
    assert message["Bcc"] is None
    assert message["Subject"] == "x Bcc: evil@example.com <script>"
    assert mailbox.recipients == ["mia@example.org"]


def test_a_letter_whose_content_is_gone_is_not_sent(mailer: Mailer, mailbox: Mailbox, make_notification: Any) -> None:
    gone = Letter(to="mia@example.org", body="deleted")

    with pytest.raises(DeliveryError, match="no longer kept"):
        mailer.send(TARGET, make_notification(letter=gone))
    assert mailbox.messages == []


def test_a_letter_is_for_its_recipient_alone(make_notification: Any) -> None:
    routes = make_routes(page="https://hooks.example.org", ticket=None, alertmanager="https://alerts.example.org")

    assert routes.told(make_notification(letter=LETTER)) == ((TARGET,),)
