"""A mail server in this process: it takes every message that it is given, and knows to whom each was."""

from __future__ import annotations

import socketserver
import threading
from collections import defaultdict
from email import message_from_bytes
from typing import TYPE_CHECKING

from app.cli.listening import LOOPBACK, Listening

if TYPE_CHECKING:
    from collections.abc import Callable

END_OF_DATA = {b".\r\n", b""}
"""A line of one dot, or the end of the connection."""


class Mailbox(Listening):
    """`with Mailbox() as mailbox: …`; as much of SMTP (RFC 5321) as one sender needs."""

    def __init__(self) -> None:
        self._message_ids: defaultdict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()
        server = socketserver.ThreadingTCPServer((LOOPBACK, 0), _handler(self.take))
        server.daemon_threads = True
        super().__init__(server, name="mailbox")

    @property
    def settings(self) -> dict[str, str]:
        """What a platform is set to, so that its mail is handed in here."""
        return {
            "SLIPSTREAM_SMTP_URL": f"smtp://{LOOPBACK}:{self.port}",
            "SLIPSTREAM_MAIL_FROM": "slipstream@chaos.example",
        }

    def taken(self, recipient: str) -> list[str]:
        """The Message-ID of every mail to an address, one that came twice twice."""
        with self._lock:
            return list(self._message_ids[recipient])

    def take(self, recipients: list[str], message: bytes) -> None:
        message_id = str(message_from_bytes(message)["Message-ID"])
        with self._lock:
            for recipient in recipients:
                self._message_ids[recipient].append(message_id)


def _handler(take: Callable[[list[str], bytes], None]) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            recipients: list[str] = []
            self._say("220 chaos.example")
            while line := self.rfile.readline():
                command = line.decode(errors="replace").strip()
                match command[:4].upper():
                    case "RCPT":
                        recipients.append(command.partition("<")[2].partition(">")[0])
                        self._say("250 known")
                    case "DATA":
                        self._say("354 go on")
                        lines = []
                        while (data := self.rfile.readline()) not in END_OF_DATA:
                            lines.append(data)
                        if not data:
                            return  # Nobody has promised anything yet.
                        take(recipients, b"".join(lines))
                        recipients = []
                        self._say("250 taken")
                    case "QUIT":
                        self._say("221 bye")
                        return
                    case _:
                        self._say("250 ok")

        def _say(self, reply: str) -> None:
            self.wfile.write(f"{reply}\r\n".encode())

    return Handler
