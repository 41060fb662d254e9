"""Signed links by which somebody without an account says that he is on it.

A link names an incident and when it ends to hold, and is signed with a key that is made once and kept in PostgreSQL, so that
every process knows it and no setting is needed. It allows nothing but to acknowledge that one incident.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.alerts import signing_store

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database

HOLDS_FOR = timedelta(days=7)
PURPOSE = "acknowledge"
_TOKEN = re.compile(r"(inc_[0-9a-f]{20})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})")
_KEY_BYTES = 32


class LinkError(Exception):
    """The link is none of ours, or holds no longer."""


class AckLinks:
    """Makes links and reads them. Thread-safe; methods raise `DependencyError`."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._key: bytes | None = None

    def link(self, connection: Connection, incident_id: str, now: datetime) -> str:
        """Return the address of the page that asks."""
        until = int((now + HOLDS_FOR).timestamp())
        signature = _sign(self._key_of(connection, now), incident_id, until)
        return f"{self._base_url}/ack/{incident_id}.{until}.{signature}"

    def read(self, token: str, now: datetime, database: Database) -> str:
        """Return the incident of a link. Raises `LinkError`, of which a reader learns nothing more.

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
        incident_id, until, signature = found[1], int(found[2]), found[3]
        expected = _sign(key, incident_id, until)
        if not hmac.compare_digest(expected, signature) or until < now.timestamp():
            raise LinkError
        return incident_id

    def _key_of(self, connection: Connection, now: datetime) -> bytes:
        """Return the key, made if need be. It is not remembered: this transaction may yet come to nothing."""
        key = self._key or signing_store.find_key(connection, PURPOSE)
        return key or signing_store.make_key(connection, PURPOSE, secrets.token_bytes(_KEY_BYTES), now)


def _sign(key: bytes, incident_id: str, until: int) -> str:
    digest = hmac.new(key, f"{PURPOSE}.{incident_id}.{until}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
