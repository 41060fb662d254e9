"""Signed links by which somebody gets no more reports of a subscription.

A link names a subscription and an address by its digest, and is signed with a key that is made once and kept in PostgreSQL.
It holds for as long as the subscription is there: an old mail must be as good to unsubscribe by as the last.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING

from reporting.alerts import signing_store

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database

PURPOSE = "unsubscribe"
PATH = "/unsubscribe"
_TOKEN = re.compile(r"(sub_[0-9a-f]{20})\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")
_KEY_BYTES = 32
_DIGEST_LETTERS = 16


class LinkError(Exception):
    """The link is none of ours."""


def digest_of(address: str) -> str:
    """Name an address without telling it."""
    return hashlib.sha256(address.encode()).hexdigest()[:_DIGEST_LETTERS]


class SubscriptionLinks:
    """Makes links and reads them. Thread-safe; methods raise `DependencyError`."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._key: bytes | None = None

    def link(self, connection: Connection, subscription_id: str, address: str, now: datetime) -> str:
        """Return the address by which `address` leaves a subscription."""
        digest = digest_of(address)
        signature = _sign(self._key_of(connection, now), subscription_id, digest)
        return f"{self._base_url}{PATH}/{subscription_id}.{digest}.{signature}"

    def read(self, token: str, now: datetime, database: Database) -> tuple[str, str]:
        """Return the subscription of a link and the digest of its address. Raises `LinkError`.

        PostgreSQL is asked for the key once: whoever guesses links takes nobody's connection.
        """
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise LinkError
        key = self._key
        if key is None:
            with database.begin() as connection:
                key = self._key_of(connection, now)
            self._key = key  # Committed by now.
        subscription_id, digest, signature = found.groups()
        if not hmac.compare_digest(_sign(key, subscription_id, digest), signature):
            raise LinkError
        return subscription_id, digest

    def _key_of(self, connection: Connection, now: datetime) -> bytes:
        """Return the key, made if need be. It is not remembered: this transaction may yet come to nothing."""
        key = self._key or signing_store.find_key(connection, PURPOSE)
        return key or signing_store.make_key(connection, PURPOSE, secrets.token_bytes(_KEY_BYTES), now)


def _sign(key: bytes, subscription_id: str, digest: str) -> str:
    signed = hmac.new(key, f"{PURPOSE}.{subscription_id}.{digest}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
