"""How many summaries an account may ask for in a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.core import keyspace
from app.core.errors import DependencyUnavailableError
from app.core.problems import Problem, ProblemType
from ingestion.admission.standing import SUMMARIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.keys import PresentedKey
    from app.core.shard_directory import ShardDirectory
    from ingestion.admission.scripts import Scripts


@dataclass(frozen=True, slots=True)
class SummaryStanding:
    """What is left to an account, after a summary that was taken or refused."""

    wait_ms: int
    left: int
    per_minute: int
    full_in_ms: int
    at_ms: int
    tier: str

    def headers(self) -> dict[str, str]:
        """Return the fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11)."""
        return {
            "RateLimit-Policy": f'"{SUMMARIES}";q={self.per_minute};w=60',
            "RateLimit": f'"{SUMMARIES}";r={self.left};t={-(-self.full_in_ms // 1_000)}',
        }

    def refusal(self) -> Problem | None:
        """Return the problem of a summary that was refused."""
        if not self.wait_ms:
            return None
        resets_at = datetime.fromtimestamp((self.at_ms + self.wait_ms) / 1_000, UTC)
        return Problem(
            ProblemType.RATE_LIMIT_EXCEEDED,
            f"{self.per_minute} summaries a minute are allowed. Answers stay the same for some seconds: keep them.",
            retry_after=self.wait_ms / 1_000,
            limit=SUMMARIES,
            resets_at=resets_at.isoformat().replace("+00:00", "Z"),
        )


class SummaryRate:
    """Thread-safe; one a process. Raises `DependencyError`."""

    def __init__(self, scripts: Scripts, shards: ShardDirectory) -> None:
        self._script = scripts.make("take_summary")
        self._shards = shards

    def take(self, account_id: str, now: datetime) -> SummaryStanding:
        """Take one of the summaries that an account, which has been authenticated, may have; a refusal takes nothing."""
        return self._ask(account_id, now, summaries=1)

    def look(self, account_id: str, now: datetime) -> SummaryStanding:
        """Return what is left to an account, and take nothing."""
        return self._ask(account_id, now, summaries=0)

    def _ask(self, account_id: str, now: datetime, *, summaries: int) -> SummaryStanding:
        shard = self._shards.shard_of(account_id, now)
        keys = (keyspace.account_mirror(shard, account_id), keyspace.limits(shard, account_id))
        reply = self._script(keys, (summaries,))
        if reply is None:
            # It was there a moment ago: it is being moved, and will be found at the next try.
            raise DependencyUnavailableError("valkey", "the account's limits are not there")
        return _standing(reply)

    def take_by_key(
        self, key: PresentedKey, scope: str, now: datetime, *, cached: str | None
    ) -> tuple[SummaryStanding, bytes | None] | None:
        """Look at a key, take a summary of its account, and read what is `cached` under that name, in one round trip.

        None, and nothing taken, unless the key is known to be valid for the scope; why not is for others to find out.
        """
        account_id = key.account_id
        shard = self._shards.shard_of(account_id, now)
        keys = (
            keyspace.account_mirror(shard, account_id),
            keyspace.limits(shard, account_id),
            keyspace.key_mirror(shard, account_id),
        )
        args = (key.key_id, key.digest_hex, scope)
        reply, value = (
            (self._script(keys, args), None) if cached is None else self._script.with_value(keys, args, cached)
        )
        return None if reply is None else (_standing(reply), value)


def _standing(reply: Sequence[Any]) -> SummaryStanding:
    wait_ms, left, per_minute, full_in_ms, at_ms, tier = reply
    return SummaryStanding(wait_ms, left, per_minute, full_in_ms, at_ms, tier.decode())
