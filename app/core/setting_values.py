"""What a setting may be: each function reads one kind of value, or raises `ValueError` that says what it must be."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.core.http.addresses import networks as read_networks
from app.core.notify.routes import parse_entries, parse_named
from app.core.notify.smtp_server import parse_smtp
from app.core.notify.targets import MAIL_ADDRESS, check_http
from app.core.notify.webhook_secret import parse_secret
from app.core.roles import roles_by_group

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORTEST_SECRET = 16


def text(value: str) -> str:
    return value


def address(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ValueError(f"must be an address that starts with {', '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return number

    return parse


def boolean(value: str) -> bool:
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be true or false")


def choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Berlin") from None
    return value


def networks(value: str) -> str:
    try:
        read_networks(value)
    except ValueError:
        raise ValueError("must be IP addresses or networks with commas in between, such as 10.0.0.0/8") from None
    return value


def secret(value: str) -> str:
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(f"must have at least {_SHORTEST_SECRET} characters")
    return value


postgresql = address("postgresql", "postgres")
valkey = address("redis", "valkey", "unix")


def routes(value: str) -> str:
    """Take targets of notifications, `app.core.notify.routes`."""
    parse_entries(value)
    return value


def named_routes(value: str) -> str:
    """Take targets of notifications with names."""
    parse_named(value)
    return value


def smtp(value: str) -> str:
    parse_smtp(value)
    return value


def mail_address(value: str) -> str:
    if not MAIL_ADDRESS.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value


web_address = check_http
webhook_secret = parse_secret


def role_mapping(text: str) -> str:
    """Check which group has which role."""
    roles_by_group(text)
    return text
