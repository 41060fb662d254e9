"""How much telemetry an account may send in a minute: as many records as events, counted apart from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core import keyspace
from app.core.errors import DependencyUnavailableError
from app.core.problems import Problem, ProblemType
from ingestion.admission.standing import TELEMETRY

if TYPE_CHECKING:
    from app.core.shard_directory import ShardDirectory
    from ingestion.admission.scripts import Scripts


@dataclass(frozen=True, slots=True)
class TelemetryStanding:
    """What is left to an account, in records, after a batch that was taken or refused; `wait_ms` is 0 if it was taken."""

    wait_ms: int
    left: int
    per_minute: int
    burst: int
    full_in_ms: int
    at_ms: int

    def headers(self) -> dict[str, str]:
        """Return the fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11)."""
        window_s = max(1, round(self.burst * 60 / self.per_minute))
        return {
            "RateLimit-Policy": f'"{TELEMETRY}";q={self.burst};w={window_s};qu="records"',
            "RateLimit": f'"{TELEMETRY}";r={self.left};t={-(-self.full_in_ms // 1_000)}',
        }

    def refusal(self, records: int) -> Problem | None:
        """Return the problem of a batch of so many records that was refused."""
        if not self.wait_ms:
            return None
        wait_ms = self.wait_ms
        detail = (
            f"{records} records are more than the {self.left} that are left; {self.per_minute} a minute are allowed."
        )
        if records > self.burst:
            wait_ms = self.full_in_ms
            detail = f"A batch of {records} records can never pass: at most {self.burst} may come at once."
        resets_at = datetime.fromtimestamp((self.at_ms + wait_ms) / 1_000, UTC)
        return Problem(
            ProblemType.RATE_LIMIT_EXCEEDED,
            detail,
            retry_after=wait_ms / 1_000,
            limit=TELEMETRY,
            resets_at=resets_at.isoformat().replace("+00:00", "Z"),
        )


class TelemetryRate:
    """Thread-safe; one a process. Raises `DependencyError`."""

    def __init__(self, scripts: Scripts, shards: ShardDirectory) -> None:
        self._script = scripts.make("take_telemetry")
        self._shards = shards

    def take(self, account_id: str, records: int, now: datetime) -> TelemetryStanding:
        """Take all of so many records, or none; less than none gives back. The account has been authenticated."""
        shard = self._shards.shard_of(account_id, now)
        keys = [keyspace.account_mirror(shard, account_id), keyspace.limits(shard, account_id)]
        reply = self._script(keys, [records])
        if reply is None:
            # It was there a moment ago: it is being moved, and will be found at the next try.
            raise DependencyUnavailableError("valkey", "the account's limits are not there")
        return TelemetryStanding(*reply)
