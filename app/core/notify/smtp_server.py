"""Where mail is handed in, read from a setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_PORTS = {"smtp": 25, "submission": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    implicit_tls: bool


def parse_smtp(text: str) -> SmtpServer:
    """Read `smtp://host`, `submission://user:password@host` (STARTTLS) or `smtps://…`. Raises `ValueError`."""
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise ValueError("must be an address such as submission://user:password@mail.example.org:587") from None
    if (
        not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or (parts.username is None) != (parts.password is None)
    ):
        raise ValueError("must name a server, and a user with a password or neither")
    return SmtpServer(
        host=parts.hostname,
        port=port,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        implicit_tls=parts.scheme == "smtps",
    )
