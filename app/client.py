"""A client of Slipstream's own HTTP API over one kept-alive connection: a request is answered, or the connection was cut."""

from __future__ import annotations

import http.client
import json
import select
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NO_HEADERS: Mapping[str, str] = {}


class CutError(Exception):
    """The connection ended before an answer: whether the request was carried out is unknown."""


class UnexpectedAnswerError(Exception):
    """The platform answered something else than was asked for."""

    def __init__(self, answer: Answer, request: str) -> None:
        super().__init__(f"{request}: {answer.status} {answer.body[:500].decode(errors='replace')}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def retry_after_s(self) -> float | None:
        """Seconds to wait before the request may be sent again, as a refusal says."""
        given = self.headers.get("retry-after", "")
        return float(given) if given.isdigit() else None

    @property
    def problem(self) -> str | None:
        """The slug of a problem (RFC 9457), such as `dependency-unavailable`."""
        if not self.headers.get("content-type", "").startswith("application/problem+json"):
            return None
        return str(self.json().get("type", "")).rpartition("/")[2]


class Link:
    """One connection with one key, opened when it is needed and again after a cut; not for several threads."""

    def __init__(self, base_url: str, *, key: str = "", timeout_s: float = 30.0) -> None:
        address = urlsplit(base_url)
        if address.scheme not in {"http", "https"} or address.hostname is None:
            raise ValueError(f"not an address of an HTTP service: {base_url!r}")
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.hostname, address.port, timeout=timeout_s)
        self._root = address.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def request(
        self, method: str, path: str, body: bytes | Iterator[bytes] = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> Answer:
        """Send once, never twice: only the caller knows whether repeating is safe. Raises `CutError`.

        A body that comes in pieces needs its Content-Length in the headers.

        A connection that the server has closed since the last answer is opened again: nothing was sent over it.
        """
        try:
            if self._was_closed():
                self._connection.close()
            self._connection.request(method, self._root + path, body or None, {**self._headers, **headers})
            response = self._connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise CutError(str(error) or type(error).__name__) from error

    def _was_closed(self) -> bool:
        """Whether there is something to read before anything was asked, which is the connection's end."""
        if self._connection.sock is None:
            return False
        looking = select.poll()
        looking.register(self._connection.sock, select.POLLIN)
        return bool(looking.poll(0))

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        return self.request("POST", path, body, {"Content-Type": "application/json", **headers})

    def call(self, method: str, path: str, content: Any = None, *, expect: int = 200) -> Any:
        """Send and receive JSON; raises `UnexpectedAnswerError` for any other status."""
        body = b"" if content is None else json.dumps(content).encode()
        answer = self.request(method, path, body, {"Content-Type": "application/json"} if body else NO_HEADERS)
        if answer.status != expect:
            raise UnexpectedAnswerError(answer, f"{method} {path}")
        return answer.json() if answer.body else None

    def close(self) -> None:
        self._connection.close()
