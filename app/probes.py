"""What a worker answers over HTTP: probes and metrics, nothing else, by the standard library's server."""

from __future__ import annotations

import json
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from email.message import Message
    from typing import Any

_LONGEST_EXCHANGE_S = 5.0
_PROBLEM = "application/problem+json"


class Page(NamedTuple):
    """An answer."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def refusal(status: HTTPStatus, detail: str | None = None, *headers: tuple[str, str]) -> Page:
    """Refuse with a problem (RFC 9457); `about:blank` has the status as its title."""
    problem = {"type": "about:blank", "title": status.phrase, "status": int(status)}
    return Page(status, _PROBLEM, json.dumps(problem | ({"detail": detail} if detail else {})).encode(), headers)


class ProbeServer(ThreadingHTTPServer):
    """Answers GET of each path with what its page makes of the request's headers at that moment."""

    daemon_threads = True
    # Who has started this process may hold the port for it while it restarts.
    allow_reuse_port = True

    def __init__(self, host: str, port: int, pages: Mapping[str, Callable[[Message], Page]]) -> None:
        self.pages = pages
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, name="probes", daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked has gone away."""


class _Handler(BaseHTTPRequestHandler):
    server: ProbeServer
    timeout = _LONGEST_EXCHANGE_S
    server_version = "slipstream"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND, explain="There is nothing at this address.")
        else:
            self._answer(page(self.headers))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse with a problem also what the library refuses."""
        self.close_connection = True
        self._answer(refusal(HTTPStatus(code), explain or message))

    def _answer(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        for name, value in page.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Probes come every second; nobody wants to read of them."""
