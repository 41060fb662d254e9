"""What an account may do, what it has used, and what is on its way."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from app.core import keyspace
from app.core.errors import DependencyError
from app.core.queue.keys import inflight
from ingestion.admission.standing import read_standing
from ingestion.journal import journal_store
from ingestion.limits.quota import Period, name_of

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.shard_directory import ShardDirectory
    from ingestion.admission.quotas import Quotas
    from ingestion.admission.scripts import Scripts
    from ingestion.admission.standing import Standing
    from ingestion.limits.circuit_breaker import Thresholds

MOST_CHANGES = 20
_STANDING_ENDS = 14
"""In what the script answers: status, two values that mean nothing here, and eleven of the standing."""


class RateUsage(Struct, frozen=True):
    """`per_minute` on average, `burst` at once; `remaining` may be sent or asked for now."""

    per_minute: int
    burst: int
    remaining: int


class QuotaUsage(Struct, frozen=True):
    """Events accepted in a UTC day (`2026-11-22`) or month (`2026-11`). A `limit` of null is none.

    `used` is null while it is not known: Valkey has lost it, and PostgreSQL, from which it is restored, is away.
    """

    period: str
    limit: int | None
    used: int | None
    remaining: int | None
    resets_at: datetime


class CircuitEvent(Struct, frozen=True):
    """The circuit went from one state to another."""

    changed_at: datetime
    before: str
    after: str
    cause: str


class CircuitUsage(Struct, frozen=True):
    """`retry_after` is in seconds, while the circuit is open. `good` and `bad` batches are those in its window.

    `changes` are the latest, null while PostgreSQL is away.
    """

    state: str
    retry_after: float | None
    good: int
    bad: int
    changes: list[CircuitEvent] | None


class QueueUsage(Struct, frozen=True):
    """The account's place in the queue. Above its fair share, further batches go into the lane `overflow`."""

    shard: int
    lane: str
    ordered: bool
    events_in_flight: int
    above_fair_share: bool


class QuotaNotice(Struct, frozen=True):
    """So many per cent of a quota are used; at 100 it refuses."""

    notice_id: str
    period: str
    threshold: int
    used: int
    quota: int
    noticed_at: datetime


class RateLimits(Struct, frozen=True):
    events_per_minute: RateUsage
    summaries_per_minute: RateUsage


class QuotaLimits(Struct, frozen=True):
    daily_quota: QuotaUsage
    monthly_quota: QuotaUsage


class Usage(Struct, frozen=True):
    """What `GET /accounts/{id}/usage` answers. `notices` are those of this day and month, null while PostgreSQL is away."""

    account_id: str
    tier: str
    as_of: datetime
    rate_limits: RateLimits
    quotas: QuotaLimits
    circuit: CircuitUsage
    queue: QueueUsage
    notices: list[QuotaNotice] | None


class Usages:
    """Thread-safe; one a process. Raises `DependencyError` when Valkey is away."""

    def __init__(
        self,
        scripts: Scripts,
        *,
        database: Database,
        mirror: AccountMirror,
        shards: ShardDirectory,
        quotas: Quotas,
        thresholds: Thresholds,
        bundle_events: int,
    ) -> None:
        self._script = scripts.make("usage")
        self._database = database
        self._mirror = mirror
        self._shards = shards
        self._quotas = quotas
        self._arguments = (bundle_events, *thresholds.as_tuple())

    def of(self, account_id: str, now: datetime) -> Usage | None:
        """Return the usage of an account; None when there is no such account."""
        reply = self._read(account_id, now)
        if reply is None:
            if not self._mirror.restore(account_id):
                return None
            self._shards.refresh(now)
            reply = self._read(account_id, now)
            if reply is None:
                return None
        standing = read_standing(reply[3:_STANDING_ENDS])
        if not reply[0] and self._restored(account_id, standing.at):
            reply = self._read(account_id, now) or reply
        return self._usage(account_id, reply, now)

    def _read(self, account_id: str, now: datetime) -> list[Any] | None:
        shard = self._shards.shard_of(account_id, now)
        keys = (
            keyspace.account_mirror(shard, account_id),
            keyspace.limits(shard, account_id),
            keyspace.circuit(shard, account_id),
            inflight(shard),
        )
        reply: list[Any] | None = self._script(keys, (account_id, *self._arguments))
        return reply

    def _restored(self, account_id: str, at: datetime) -> bool:
        try:
            self._quotas.restore(account_id, self._shards.shard_of(account_id, at), at)
        except DependencyError:
            return False
        return True

    def _usage(self, account_id: str, reply: list[Any], now: datetime) -> Usage:
        known, standing = reply[0], read_standing(reply[3:_STANDING_ENDS])
        left, per_minute, state, wait_ms, good, bad, in_flight, above, ordered = reply[_STANDING_ENDS:]
        notices, changes = self._told(account_id, standing)
        return Usage(
            account_id=account_id,
            tier=standing.tier,
            as_of=standing.at,
            rate_limits=RateLimits(
                RateUsage(standing.per_minute, standing.burst, standing.left), RateUsage(per_minute, per_minute, left)
            ),
            quotas=QuotaLimits(
                _quota(standing, Period.DAY, known=bool(known)), _quota(standing, Period.MONTH, known=bool(known))
            ),
            circuit=CircuitUsage(state.decode(), wait_ms / 1_000 if wait_ms else None, good, bad, changes),
            queue=QueueUsage(
                self._shards.shard_of(account_id, now), standing.lane, bool(ordered), in_flight, bool(above)
            ),
            notices=notices,
        )

    def _told(self, account_id: str, standing: Standing) -> tuple[list[QuotaNotice] | None, list[CircuitEvent] | None]:
        day, month = name_of(Period.DAY, standing.at), name_of(Period.MONTH, standing.at)
        try:
            with self._database.begin() as connection:
                notices = journal_store.notices_of(connection, account_id, day=day, month=month)
                changes = journal_store.changes_of(connection, account_id, limit=MOST_CHANGES)
        except DependencyError:
            return None, None
        return (
            [
                QuotaNotice(
                    notice.notice_id, notice.period, notice.threshold, notice.used, notice.quota, notice.noticed_at
                )
                for notice in notices
            ],
            [CircuitEvent(change.changed_at, change.before, change.after, change.cause) for change in changes],
        )


def _quota(standing: Standing, period: Period, *, known: bool) -> QuotaUsage:
    limit, used = (
        (standing.daily, standing.day_used) if period is Period.DAY else (standing.monthly, standing.month_used)
    )
    return QuotaUsage(
        period=name_of(period, standing.at),
        limit=limit,
        used=used if known else None,
        remaining=max(limit - used, 0) if known and limit is not None else None,
        resets_at=standing.resets_at(period),
    )
