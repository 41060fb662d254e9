"""A mail server that counts."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from app.cli.chaos.mailbox import Mailbox


def test_a_mail_that_comes_twice_counts_twice_for_each_of_its_recipients() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "a@a.example", "b@b.example, c@c.example", "<1@a.example>"
    message.set_content(".\na line of one dot ends nothing\n")

    with Mailbox() as mailbox:
        host, port = mailbox.settings["SLIPSTREAM_SMTP_URL"].removeprefix("smtp://").split(":")
        with smtplib.SMTP(host, int(port)) as smtp:
            smtp.send_message(message)
            smtp.send_message(message, to_addrs=["c@c.example"])

    assert mailbox.taken("b@b.example") == ["<1@a.example>"]
    assert mailbox.taken("c@c.example") == ["<1@a.example>"] * 2
    assert mailbox.taken("d@d.example") == []
