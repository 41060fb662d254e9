"""Who is asking: a bearer key looked up in its account's mirror, in one round trip."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from app.core import keyspace
from app.core.keys import Scope, parse_key
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.key_usage import KeyUsage
    from app.core.keys import PresentedKey
    from app.core.mirror import AccountMirror
    from app.core.shard_directory import ShardDirectory
    from app.core.valkey import Valkey

OPERATOR = "operator"
"""The key id that stands for the admin token in logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who was let in: a key of an account, or the operator, who has no account, tier or shard."""

    account_id: str | None
    key_id: str
    scopes: frozenset[str]
    tier: str | None = None
    shard: int | None = None

    @property
    def name(self) -> str:
        """Who it is in the record of what was done."""
        return self.key_id if self.account_id is None else f"{self.account_id}/{self.key_id}"

    def has(self, scope: str) -> bool:
        """Tell whether the key was given a scope; `admin` does not include the others."""
        return scope in self.scopes


class Authenticator:
    """Thread-safe; one a process."""

    def __init__(
        self,
        *,
        valkey: Valkey,
        mirror: AccountMirror,
        shards: ShardDirectory,
        usage: KeyUsage,
        admin_token: str | None,
    ) -> None:
        self._valkey = valkey
        self._mirror = mirror
        self._shards = shards
        self._usage = usage
        self._admin_digest = None if admin_token is None else sha256(admin_token.encode()).digest()

    def authenticate(self, authorization: str | None, now: datetime) -> Principal:
        """Return whom an `Authorization` header stands for.

        Raises `Problem` (unauthorized), the same for a key that is unknown, wrong, expired or revoked; `DependencyError`
        when that cannot be found out.
        """
        token = bearer_token(authorization)
        if self._is_admin_token(token):
            return Principal(account_id=None, key_id=OPERATOR, scopes=frozenset({Scope.ADMIN}))
        presented = parse_key(token)
        if presented is None:
            raise _not_valid()
        principal = self._look_up(presented, now)
        if principal is None and self._mirror.restore(presented.account_id):
            self._shards.refresh(now)
            principal = self._look_up(presented, now)
        if principal is None:
            raise _not_valid()
        self._usage.note(presented.account_id, presented.key_id, now)
        return principal

    def _look_up(self, presented: PresentedKey, now: datetime) -> Principal | None:
        """Return the principal of a valid key; None when its account is not mirrored."""
        account_id = presented.account_id
        shard = self._shards.shard_of(account_id, now)
        tier, entry = self._valkey.pipeline(
            [
                ("HGET", keyspace.account_mirror(shard, account_id), "tier"),
                ("HGET", keyspace.key_mirror(shard, account_id), presented.key_id),
            ]
        )
        if tier is None:
            return None
        # An unknown key is compared as well, with a digest that nothing has.
        digest, expires, scopes = ("0" * 64, "0", "") if entry is None else entry.decode().split(" ")
        same = hmac.compare_digest(digest, presented.digest_hex)
        if not same or entry is None or 0 < int(expires) <= now.timestamp():
            raise _not_valid()
        return Principal(
            account_id=account_id,
            key_id=presented.key_id,
            scopes=frozenset(scopes.split(",")),
            tier=tier.decode(),
            shard=shard,
        )

    def _is_admin_token(self, token: str) -> bool:
        digest = sha256(token.encode(errors="backslashreplace")).digest()
        return self._admin_digest is not None and hmac.compare_digest(digest, self._admin_digest)


def bearer_token(authorization: str | None) -> str:
    """Return what follows `Bearer`; raises `Problem` (unauthorized) without it."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(ProblemType.UNAUTHORIZED, "There is no `Authorization: Bearer <api key>`.")
    return token.strip()


def _not_valid() -> Problem:
    return Problem(ProblemType.UNAUTHORIZED, "The key is not valid: it is unknown, expired or revoked.")
