"""E-mail over SMTP: encrypted where the server can, and never a password in the clear."""

from __future__ import annotations

import smtplib
from contextlib import contextmanager
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from app.core.notify.errors import DeliveryError
from app.core.notify.letters import write_letter

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from app.core.notify.letters import Enclosures
    from app.core.notify.notification import Notification
    from app.core.notify.outgoing import Outgoing, Wire
    from app.core.notify.smtp_server import SmtpServer
    from app.core.notify.targets import Target

_LONGEST_SUBJECT = 200
_POLICY = policy.default.clone(max_line_length=998)
"""As long as RFC 5322 allows: shorter lines would have a long address in a header written as what no program reads."""
_PERMANENT = range(500, 600)
_GREETING = 220


class Mailer:
    """Hands messages in; raises `DeliveryError`. `sender` is an address, whose domain names the messages.

    `enclosures` gives what letters hold.
    """

    def __init__(
        self, outgoing: Outgoing, server: SmtpServer, *, sender: str, enclosures: Enclosures | None = None
    ) -> None:
        self._outgoing = outgoing
        self._server = server
        self._enclosures = enclosures
        self.sender = sender

    def send(self, target: Target, notification: Notification) -> None:
        """Mail a notification as text, or as the letter that it is."""
        message = EmailMessage(policy=_POLICY)
        message["From"] = Address("Slipstream", addr_spec=self.sender)
        message["To"] = Address(addr_spec=target.address)
        message["Subject"] = _one_line(notification.title)
        message["Date"] = format_datetime(notification.at)
        message["Message-ID"] = self.message_id(notification.id)
        if notification.letter is not None:
            write_letter(message, notification.letter, notification.text, self._enclosures)
            self.hand_in(message)
            return
        thread = self.message_id(f"subject.{notification.subject}")
        message["References"] = thread
        message["Auto-Submitted"] = "auto-generated"
        message["X-Priority"] = "1" if notification.urgency == "page" else "3"
        link = f"\n\n{notification.link}\n" if notification.link else "\n"
        message.set_content(notification.text + link)
        self.hand_in(message)

    def message_id(self, name: str) -> str:
        """Return the Message-ID of something with a stable name."""
        return f"<{name}@{self.sender.rpartition('@')[2]}>"

    def hand_in(self, message: EmailMessage) -> None:
        """Give a whole message to the server, which answers for it from then on."""
        with self._outgoing.connect(self._server.host, self._server.port) as wire, self._session(wire) as smtp:
            smtp.send_message(message)

    @contextmanager
    def _session(self, wire: Wire) -> Iterator[smtplib.SMTP]:
        server = self._server
        try:
            if server.implicit_tls:
                wire.secure(server.host, self._outgoing.context)
            with _Smtp(wire.socket, timeout_s=self._outgoing.deadline_s) as smtp:
                smtp.ehlo_or_helo_if_needed()
                encrypted = server.implicit_tls
                if not encrypted and smtp.has_extn("starttls"):
                    smtp._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - The name to verify; `connect` sets it else.
                    smtp.starttls(context=self._outgoing.context)
                    smtp.ehlo()
                    # What is cut when the time is up is the socket that is in use now.
                    wire.socket = smtp.sock or wire.socket
                    encrypted = True
                if server.user is not None and server.password is not None:
                    if not encrypted:
                        raise DeliveryError(f"{server.host} offers no encryption, and we have a password", refused=True)
                    smtp.login(server.user, server.password)
                yield smtp
        except smtplib.SMTPServerDisconnected as error:
            raise OSError("it closed the connection") from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            refused = all(code in _PERMANENT for code in codes)
            raise DeliveryError(f"{server.host} refuses the recipient ({min(codes)})", refused=refused) from None
        except smtplib.SMTPResponseException as error:
            refused = error.smtp_code in _PERMANENT
            raise DeliveryError(f"{server.host} answered {error.smtp_code}", refused=refused) from None
        except smtplib.SMTPException as error:
            raise DeliveryError(f"{server.host}: {type(error).__name__}") from None


class _Smtp(smtplib.SMTP):
    """SMTP over a connection that somebody else has dialled."""

    def __init__(self, dialled: socket.socket, *, timeout_s: float) -> None:
        super().__init__(timeout=timeout_s)
        self.sock = dialled
        self.file = None
        code, text = self.getreply()
        if code != _GREETING:
            raise smtplib.SMTPConnectError(code, text)


def _one_line(text: str) -> str:
    """Leave nothing that could end a header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LONGEST_SUBJECT]
