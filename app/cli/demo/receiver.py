"""Somebody who is told: a webhook receiver of the demo's own, which takes nothing that is not signed."""

from __future__ import annotations

import base64
import hmac
import json
import os
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.cli.listening import LOOPBACK, Listening
from app.core.notify.webhook import sign


@dataclass(frozen=True, slots=True)
class Told:
    """One message: its `webhook-id`, its kind (`incident.firing`), and what it says."""

    message_id: str
    kind: str
    data: dict[str, Any]


class Receiver(Listening):
    """A context manager; keeps every message once, however often it is delivered."""

    def __init__(self) -> None:
        self.secret = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
        self.unsigned = 0
        self._told: dict[str, Told] = {}
        super().__init__(ThreadingHTTPServer((LOOPBACK, 0), self._handler()), name="receiver")

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/on-call"

    def told(self, kind: str) -> list[Told]:
        """Return the messages of a kind, in the order of their arrival."""
        return [message for message in list(self._told.values()) if message.kind == kind]

    def take(self, headers: Any, body: bytes) -> bool:
        """Keep a message; False when its signature is not that of the secret."""
        message_id, at = headers["webhook-id"] or "", headers["webhook-timestamp"] or ""
        if not at.isdigit():
            return False
        ours = sign(self.secret, message_id=message_id, timestamp=int(at), body=body)
        if not hmac.compare_digest(ours, headers["webhook-signature"] or ""):
            return False
        message = json.loads(body)
        self._told.setdefault(message_id, Told(message_id, message["type"], message["data"]))
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                is_signed = receiver.take(self.headers, body)
                receiver.unsigned += not is_signed
                self.send_response(204 if is_signed else 401)
                self.end_headers()

            def log_message(self, *_line: object) -> None:
                """Write nothing: the demo tells its story itself."""

        return Handler
