"""Sessions of people in their browsers.

1. The id has 256 random bits; the browser has it in a cookie, we have its SHA-256. A login always makes a new one, so an id
   that somebody has planted in a browser is never let in.
2. It ends when it was not used for a while, some days after it began at the latest, and at once with its user's password,
   with a disabled user, or with another admin token.
3. What forms carry against forgery is derived from the id, so it cannot be had without it and needs no storage.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from app.core import audit_store, sessions_store, users_store
from app.core.audit_entry import AuditEntry
from app.core.roles import Role
from app.core.users import OPERATOR

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.audit_entry import Actor
    from app.core.database import Database

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
_SEEN_EVERY = timedelta(minutes=1)
_ID_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is signed in, in which role, and since when."""

    username: str
    role: Role
    created_at: datetime
    expires_at: datetime
    csrf: str


class Sessions:
    """Thread-safe. Methods raise `DependencyError`."""

    def __init__(self, database: Database, *, admin_token: str | None) -> None:
        self._database = database
        self._token_digest = None if admin_token is None else sha256(admin_token.encode()).digest()

    def is_admin_token(self, text: str) -> bool:
        """Tell whether this is the token of the operator."""
        digest = sha256(text.encode(errors="backslashreplace")).digest()
        return self._token_digest is not None and hmac.compare_digest(digest, self._token_digest)

    def open(self, username: str, now: datetime, *, by: Actor) -> str:
        """Begin a session and return its id; of `OPERATOR` only after `is_admin_token`."""
        session_id = new_secret()
        operator = username == OPERATOR
        with self._database.begin() as connection:
            sessions_store.remove_over(connection, now)
            sessions_store.add(
                connection,
                _digest(session_id),
                username=None if operator else username,
                token_digest=self._token_digest if operator else None,
                now=now,
                expires_at=now + LONGEST,
                address=by.address,
            )
            if not operator:
                users_store.note_signed_in(connection, username, now)
            audit_store.add(connection, AuditEntry(at=now, actor=by, action="sessions.open", subject=username))
        return session_id

    def find(self, session_id: str, now: datetime) -> Session | None:
        """Return a session that holds, and note that it was used; None otherwise."""
        digest = _digest(session_id)
        with self._database.begin() as connection:
            row = sessions_store.find(connection, digest)
            if row is None or row.expires_at <= now or row.seen_at + IDLE <= now:
                return None
            if row.disabled or (row.username is None and row.token_digest != self._token_digest):
                return None
            if row.seen_at + _SEEN_EVERY <= now:
                sessions_store.note_seen(connection, digest, now)
        return Session(
            username=row.username or OPERATOR,
            role=Role.ADMIN if row.username is None else Role(row.role),
            created_at=row.created_at,
            expires_at=row.expires_at,
            csrf=derived(session_id, "csrf"),
        )

    def close(self, session_id: str, now: datetime, *, by: Actor) -> None:
        """End a session."""
        with self._database.begin() as connection:
            sessions_store.remove(connection, _digest(session_id))
            audit_store.add(connection, AuditEntry(at=now, actor=by, action="sessions.close", subject=by.name))


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(_ID_BYTES)


def derived(secret: str, purpose: str) -> str:
    """Return a text of 256 bits that only who has the secret can make, and that does not give it away."""
    digest = hmac.digest(secret.encode("utf-8", "backslashreplace"), purpose.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _digest(session_id: str) -> bytes:
    return sha256(session_id.encode("utf-8", "backslashreplace")).digest()
