"""Servers that are told: a webhook's that can fail in every way, and one for mail."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`script` holds what to do with the next requests: a status, or something done with the handler. Then it is 204."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    script: list[int | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.received]


def receive() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            step = receiver.script.pop(0) if receiver.script else 204
            if callable(step):
                step(self)
                return
            self.send_response(step)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield receiver
        receiver.ended.set()
        server.shutdown()
        thread.join()


@dataclass
class Mailbox:
    """What a mail server has taken. `answers` are its replies to the next RCPT commands."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    extensions: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


def take_mail() -> Iterator[Mailbox]:  # noqa: C901 - A protocol is a list of cases.
    mailbox = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.say("220 test")
            while line := self.rfile.readline():
                command = line.decode().strip()
                mailbox.commands.append(command)
                match command.split()[0].upper():
                    case "EHLO":
                        lines = ["test", *mailbox.extensions]
                        for number, text in enumerate(lines):
                            self.say(f"250{' ' if number == len(lines) - 1 else '-'}{text}")
                    case "RCPT":
                        answer = mailbox.answers.pop(0) if mailbox.answers else "250 ok"
                        self.say(answer)
                        if answer.startswith("250"):
                            mailbox.recipients.append(command.partition("<")[2].rstrip(">"))
                    case "DATA":
                        self.say("354 go on")
                        lines = []
                        while (data := self.rfile.readline()) != b".\r\n":
                            lines.append(data.removeprefix(b".") if data.startswith(b"..") else data)
                        mailbox.messages.append(message_from_bytes(b"".join(lines), policy=policy.default))
                        self.say("250 taken")
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 ok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: Any) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        mailbox.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield mailbox
        server.shutdown()
        thread.join()
