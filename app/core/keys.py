"""API keys: `slip.<account_id>.<key_id>.<secret>`, of which only the SHA-256 of the secret is ever kept.

A key names its account, so that whoever is handed one knows where to look it up; a secret of 256 random bits needs no
slow hash. The prefix is for scanners that look for leaked keys.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from app.domain.shards import ACCOUNT_ID

if TYPE_CHECKING:
    from datetime import datetime

PREFIX = "slip"
DEFAULT_OVERLAP = timedelta(hours=24)
"""How long the old key holds after a rotation unless told: a day to deploy the new one."""
LONGEST_OVERLAP = timedelta(days=30)
LONGEST_LIFE = timedelta(days=36_500)
MOST_KEYS = 100
"""Usable keys of one account: all of them are mirrored by one script, whose time others wait for."""

KEY_ID = re.compile(r"[a-z0-9]{12}")
_PRESENTED = re.compile(rf"{PREFIX}\.({ACCOUNT_ID.pattern})\.({KEY_ID.pattern})\.([A-Za-z0-9_-]{{43}})")
_KEY_ID_ALPHABET = string.ascii_lowercase + string.digits
_KEY_ID_LENGTH = 12
_SECRET_BYTES = 32


class Scope(StrEnum):
    """What a key may do. `admin` is the operator's and spans all accounts."""

    EVENTS_WRITE = "events:write"
    SUMMARY_READ = "summary:read"
    TELEMETRY_WRITE = "telemetry:write"
    ADMIN = "admin"


TENANT_SCOPES = frozenset(Scope) - {Scope.ADMIN}


class KeyState(StrEnum):
    """Whether a key is let in, and if not, why."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of a key. Instants are aware, UTC; `digest` is SHA-256 of the secret."""

    account_id: str
    key_id: str
    digest: bytes = field(repr=False)
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        """Return what holds at `now`; a key is no longer let in at the very instant it expires."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyState.EXPIRED
        return KeyState.ACTIVE


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as a client showed it, well-formed but not yet known to be valid; `digest_hex` is SHA-256 of its secret."""

    account_id: str
    key_id: str
    digest_hex: str


class NewKey(NamedTuple):
    """A key just made. `text` is shown once and kept nowhere; it is no part of the representation, which logs may show."""

    text: str
    key_id: str
    digest: bytes

    def __repr__(self) -> str:
        return f"NewKey(key_id={self.key_id!r})"


def new_key(account_id: str) -> NewKey:
    """Make a key for an account."""
    key_id = "".join(secrets.choice(_KEY_ID_ALPHABET) for _ in range(_KEY_ID_LENGTH))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    return NewKey(f"{PREFIX}.{account_id}.{key_id}.{secret}", key_id, sha256(secret.encode()).digest())


def parse_key(text: str) -> PresentedKey | None:
    """Read a key that a client showed; None when it is not one of ours in form."""
    match = _PRESENTED.fullmatch(text)
    if match is None:
        return None
    account_id, key_id, secret = match.groups()
    return PresentedKey(account_id, key_id, sha256(secret.encode()).hexdigest())


def expiry_after_rotation(key: ApiKey, now: datetime, overlap: timedelta) -> datetime:
    """Return when a rotated key ends: after the overlap, or when it would have ended anyway, whichever is first."""
    end = whole_second(now + overlap)
    return end if key.expires_at is None else min(end, key.expires_at)


def whole_second(instant: datetime) -> datetime:
    """Return an expiry in UTC, cut to the second, which is what its mirror holds: both must end the key together."""
    return instant.astimezone(UTC).replace(microsecond=0)
