"""Issuing, rotating and revoking API keys: PostgreSQL first, then the mirror, then the answer.

A revocation therefore holds at the very next request, or is answered as not yet done. A key whose creation failed half-way
may exist, but nobody has seen its secret.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core import accounts_store, keys_store
from app.core.keys import (
    KEY_ID,
    LONGEST_LIFE,
    LONGEST_OVERLAP,
    MOST_KEYS,
    ApiKey,
    KeyState,
    expiry_after_rotation,
    new_key,
    whole_second,
)
from app.core.problems import FieldError, Problem, ProblemType
from app.domain.shards import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.keys import Scope
    from app.core.mirror import AccountMirror

_A_SECOND = timedelta(seconds=1)
"""What is left of an expiry that is cut to the second must still lie in the future."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, with the text that its owner sees this once."""

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"IssuedKey({self.key!r})"


class Keys:
    """Use cases of keys; they raise as those of accounts do."""

    def __init__(self, database: Database, mirror: AccountMirror) -> None:
        self._database = database
        self._mirror = mirror

    def create(
        self, account_id: str, scopes: Collection[Scope], *, now: datetime, expires_at: datetime | None = None
    ) -> IssuedKey:
        """Issue a key for an account."""
        with self._database.begin() as connection:
            known = ACCOUNT_ID.fullmatch(account_id) and accounts_store.advance(connection, account_id, now)
            _check(known=bool(known), scopes=scopes, expires_at=expires_at, now=now)
            issued = _issue(connection, account_id, frozenset(scopes), expires_at=expires_at, now=now)
        self._mirror.write(account_id)
        return issued

    def of_account(self, account_id: str) -> list[ApiKey]:
        """Return every key of an account, also ended ones, newest first."""
        if ACCOUNT_ID.fullmatch(account_id):
            with self._database.begin() as connection:
                if accounts_store.find(connection, account_id) is not None:
                    return keys_store.of_account(connection, account_id)
        raise Problem(ProblemType.NOT_FOUND, f"There is no account {account_id}.")

    def rotate(
        self, key_id: str, overlap: timedelta, *, now: datetime, expires_at: datetime | None = None
    ) -> IssuedKey:
        """Issue a key with the scopes of another, which ends after the overlap."""
        with self._database.begin() as connection:
            old = _locked(connection, key_id, now)
            if old.state(now) is not KeyState.ACTIVE:
                raise Problem(ProblemType.CONFLICT, f"The key {key_id} is {old.state(now)}: create a new one.")
            _check(overlap=overlap, scopes=old.scopes, expires_at=expires_at, now=now)
            issued = _issue(connection, old.account_id, old.scopes, expires_at=expires_at, now=now)
            keys_store.expire(connection, old, expiry_after_rotation(old, now, overlap))
        self._mirror.write(old.account_id)
        return issued

    def revoke(self, key_id: str, now: datetime) -> None:
        """End a key at once. Revoking it again makes sure that it holds."""
        with self._database.begin() as connection:
            key = _locked(connection, key_id, now)
            keys_store.revoke(connection, key, now)
        self._mirror.write(key.account_id)


def _locked(connection: Connection, key_id: str, now: datetime) -> ApiKey:
    """Return a key as it is once its account is locked."""
    seen = keys_store.find(connection, key_id) if KEY_ID.fullmatch(key_id) else None
    if seen is not None and accounts_store.advance(connection, seen.account_id, now):
        key = keys_store.find(connection, key_id)
        if key is not None:
            return key
    raise Problem(ProblemType.NOT_FOUND, f"There is no key {key_id}.")


def _check(
    *,
    scopes: Collection[Scope],
    expires_at: datetime | None,
    now: datetime,
    known: bool = True,
    overlap: timedelta | None = None,
) -> None:
    errors = []
    if not known:
        errors.append(FieldError("is not the id of an account", field="account_id"))
    if not scopes:
        errors.append(FieldError("must name at least one scope", field="scopes"))
    if expires_at is not None and not now + _A_SECOND <= expires_at <= now + LONGEST_LIFE:
        errors.append(FieldError(f"must lie in the future, by at most {LONGEST_LIFE.days} days", field="expires_at"))
    if overlap is not None and not 0 <= overlap.total_seconds() <= LONGEST_OVERLAP.total_seconds():
        most = int(LONGEST_OVERLAP.total_seconds())
        errors.append(FieldError(f"must be from 0 to {most}", field="overlap_seconds"))
    if errors:
        raise Problem(ProblemType.INVALID_REQUEST, "The key is not valid.", tuple(errors))


def _issue(
    connection: Connection, account_id: str, scopes: frozenset[Scope], *, expires_at: datetime | None, now: datetime
) -> IssuedKey:
    if keys_store.count_usable(connection, account_id, now) >= MOST_KEYS:
        detail = f"The account {account_id} has {MOST_KEYS} usable keys already: revoke one first."
        raise Problem(ProblemType.CONFLICT, detail)
    text, key_id, digest = new_key(account_id)
    key = ApiKey(account_id=account_id, key_id=key_id, digest=digest, scopes=scopes, created_at=now)
    if expires_at is not None:
        key = replace(key, expires_at=whole_second(expires_at))
    keys_store.insert_new(connection, key)
    return IssuedKey(key, text)
