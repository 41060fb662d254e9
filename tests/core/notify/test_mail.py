"""Mail, as a server takes it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from app.core.notify.errors import DeliveryError
from app.core.notify.mail import Mailer
from app.core.notify.smtp_server import parse_smtp
from app.core.notify.targets import parse_target

if TYPE_CHECKING:
    from app.core.notify.outgoing import Outgoing
    from tests.core.notify.receivers import Mailbox

TARGET = parse_target("mailto:on-call@example.org")


@pytest.fixture
def mailer(outgoing: Outgoing, mailbox: Mailbox) -> Mailer:
    return Mailer(outgoing, parse_smtp(mailbox.url), sender="slipstream@slip.example")


def test_a_notification_is_mailed_with_a_stable_message_id(
    mailer: Mailer, mailbox: Mailbox, make_notification: Any
) -> None:
    mailer.send(TARGET, make_notification(text="ärgerlich: 14.4", link="https://slip.example/ack/x"))

    (message,) = mailbox.messages
    assert mailbox.recipients == ["on-call@example.org"]
    assert message["Message-ID"] == "<ntf_1@slip.example>"
    assert message["From"] == "Slipstream <slipstream@slip.example>"
    assert message["To"] == "on-call@example.org"
    assert message["Subject"] == "checkout: availability burns"
    assert message["Date"] == "Sun, 22 Nov 2026 12:00:00 +0000"
    assert message["References"] == "<subject.incident-1@slip.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r", "") == "ärgerlich: 14.4\n\nhttps://slip.example/ack/x\n"


def test_a_hostile_title_adds_no_header(mailer: Mailer, mailbox: Mailbox, make_notification: Any) -> None:
    mailer.send(TARGET, make_notification(title="x\r\nBcc: evil@example.com\n\nbody\u202e" + "y" * 500))

    (message,) = mailbox.messages
    assert message["Bcc"] is None
    assert message["Subject"].startswith("x Bcc: evil@example.com body y")
    assert mailbox.recipients == ["on-call@example.org"]


@pytest.mark.parametrize(("answer", "refused"), [("451 later", False), ("550 nobody", True)])
def test_a_refusal_is_told_from_a_hiccup(
    mailer: Mailer, mailbox: Mailbox, make_notification: Any, answer: str, refused: bool
) -> None:
    mailbox.answers = [answer]

    with pytest.raises(DeliveryError) as raised:
        mailer.send(TARGET, make_notification())

    assert raised.value.refused is refused
    assert mailbox.messages == []


def test_a_password_is_not_sent_in_the_clear(outgoing: Outgoing, mailbox: Mailbox, make_notification: Any) -> None:
    mailbox.extensions = ("AUTH PLAIN LOGIN",)
    server = parse_smtp(f"smtp://me:hunter2@127.0.0.1:{mailbox.port}")

    with pytest.raises(DeliveryError, match="offers no encryption"):
        Mailer(outgoing, server, sender="a@b.example").send(TARGET, make_notification())
    assert [command for command in mailbox.commands if "AUTH" in command] == []


def test_a_server_that_is_not_there_is_a_failure_that_may_pass(outgoing: Outgoing, make_notification: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = parse_smtp(f"smtp://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(DeliveryError) as raised:
            Mailer(outgoing, server, sender="a@b.example").send(TARGET, make_notification())

    assert not raised.value.refused


def test_a_server_that_says_nothing_is_left(make_notification: Any, outgoing: Outgoing) -> None:
    outgoing.deadline_s = 0.3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = parse_smtp(f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(DeliveryError, match="did not answer within"):
            Mailer(outgoing, server, sender="a@b.example").send(TARGET, make_notification())


@pytest.mark.parametrize("text", ["http://x", "smtp://", "smtp://user@host", "smtp://host/path", "smtp://host:x"])
def test_an_address_that_is_no_mail_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_smtp(text)


def test_a_mail_server_has_the_port_of_its_scheme_and_a_password_may_hold_anything() -> None:
    server = parse_smtp("submission://me%40x:p%3A%2F@mail.example")

    assert (server.port, server.user, server.password) == (587, "me@x", "p:/")
    assert "p:/" not in repr(server)
