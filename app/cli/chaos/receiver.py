"""A webhook's receiver in this process: it takes what it is told, and knows by `webhook-id` what it has had already."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from app.cli.listening import LOOPBACK, Listening

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "whsec_Y2hhb3Mgd3JpdGVzIG5vIHNlY3JldHMgZG93biBoZXJl"  # noqa: S105 - of a platform that lives for minutes.


@dataclass(frozen=True, slots=True)
class Message:
    """What was told first under an id, at monotonic seconds."""

    at: float
    event: str
    subject: str


class Receiver(Listening):
    """`with Receiver(path) as receiver: …`; whatever comes is added to the file as it came."""

    def __init__(self, path: Path) -> None:
        self._messages: dict[str, Message] = {}
        self._lock = threading.Lock()
        self._path = path
        super().__init__(ThreadingHTTPServer((LOOPBACK, 0), self._handler()), name="receiver")

    @property
    def settings(self) -> dict[str, str]:
        """What a platform is set to, so that the target `chaos` is this."""
        return {
            "SLIPSTREAM_NOTIFY_TARGETS": f"chaos=http://{LOOPBACK}:{self.port}/hook",
            "SLIPSTREAM_WEBHOOK_SECRET": SECRET,
            "SLIPSTREAM_OUTGOING_NETWORKS": LOOPBACK,
        }

    def times(self, event: str) -> list[float]:
        """When each message of a kind came first."""
        with self._lock:
            return [message.at for message in self._messages.values() if message.event == event]

    def take(self, message_id: str, body: bytes) -> None:
        told = json.loads(body)
        with self._lock:
            known = Message(time.monotonic(), told["type"], told["data"]["subject"])
            self._messages.setdefault(message_id, known)
            with self._path.open("a") as file:
                file.write(json.dumps({"id": message_id, "at": time.time(), **told}) + "\n")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                take(self.headers["webhook-id"], body)
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: what comes is in the file."""

        return Handler
