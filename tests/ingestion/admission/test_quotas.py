"""What accounts have used, through restarts, losses and moves."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from app.core import keyspace
from app.core.accounts_service import AccountChange, NewAccount
from app.core.errors import DependencyUnavailableError
from app.core.keys import TENANT_SCOPES
from app.core.problems import Problem
from app.core.queue.keys import ShardKeys
from app.core.queue.lanes import LANES, Lane
from app.core.queue.shard_queue import ShardQueue
from app.core.tables import batch_outcomes
from app.domain.shards import shard_of
from ingestion.admission.quotas import start_of
from ingestion.limits.quota import Period
from tests.ingestion.admission.conftest import batch, make_admission

if TYPE_CHECKING:
    import redis

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys_service import Keys
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey
    from app.embedded.instance import Instance
    from ingestion.admission.standing import Standing
    from tests.ingestion.admission.conftest import Door

SHARD = shard_of("acme")
NOW = datetime.now(UTC)
TODAY, THIS_MONTH = start_of(Period.DAY, NOW), start_of(Period.MONTH, NOW)


def settled(database: Database, batch_id: str, events: int, *, received_at: datetime = TODAY) -> None:
    """Write the outcome that the store leaves of a batch: a third of its events stored, twice, dead."""
    part = events // 3
    row = {
        "account_id": "acme",
        "batch_id": batch_id,
        "received_at": received_at,
        "stored_at": received_at,
        "stored": events - 2 * part,
        "duplicates": part,
        "dead": part,
    }
    with database.begin() as connection:
        connection.execute(insert(batch_outcomes).values(row))


def used(standing: Standing) -> tuple[int, int]:
    return standing.day_used, standing.month_used


@pytest.mark.one_server("restarts the embedded one")
def test_a_restart_of_valkey_forgets_nothing(door: Door, valkey: Valkey, engines: Instance, override: Any) -> None:
    override(daily_quota=1_000)
    door.admit(batch(events=600))

    engines.valkey.kill()
    engines.valkey.start()
    engines.valkey.wait_ready()
    valkey.forget()

    assert door.refusal(batch(events=401)).limit == "daily_quota"
    assert used(door.admit(batch(events=400)).standing) == (1_000, 1_000)


def test_what_valkey_has_lost_is_restored_from_outcomes(
    door: Door, database: Database, redis_client: redis.Redis
) -> None:
    settled(database, f"{SHARD:02d}n-1-0", 300)
    settled(database, f"{SHARD:02d}n-2-0", 30, received_at=min(THIS_MONTH, TODAY - timedelta(microseconds=1)))
    settled(database, f"{SHARD:02d}n-3-0", 3, received_at=THIS_MONTH - timedelta(microseconds=1))
    redis_client.flushall()

    before_today = 30 if TODAY > THIS_MONTH else 0
    assert used(door.admit(batch(events=5)).standing) == (305, 305 + before_today)


def test_another_account_s_events_are_not_counted(door: Door, database: Database, redis_client: redis.Redis) -> None:
    door.admit(batch(events=7))
    with database.begin() as connection:
        connection.execute(
            insert(batch_outcomes).values(
                account_id="bolt",
                batch_id="01l-1-0",
                received_at=NOW,
                stored_at=NOW,
                stored=100,
                duplicates=0,
                dead=0,
            )
        )
    redis_client.delete(keyspace.limits(SHARD, "acme"))

    assert used(door.admit(batch(events=1)).standing) == (8, 8)


@pytest.mark.parametrize("settled_meanwhile", [False, True])
def test_batches_still_in_the_queue_are_counted_once(
    door: Door, database: Database, redis_client: redis.Redis, *, settled_meanwhile: bool
) -> None:
    """Also one whose outcome is committed, and which its worker has not yet taken out of the queue."""
    receipts = [door.admit(batch(events=10)) for _ in range(3)]
    if settled_meanwhile:
        settled(database, receipts[1].batch_id, 10, received_at=NOW)
    redis_client.delete(keyspace.limits(SHARD, "acme"))

    assert used(door.admit(batch(events=1)).standing) == (31, 31)


def test_every_lane_is_looked_through_to_its_end(door: Door, valkey: Valkey, redis_client: redis.Redis) -> None:
    queue = ShardQueue(valkey)
    for lane in LANES:
        for number in range(250):
            owner = "acme" if number % 2 else "bolt"
            queue.enqueue(SHARD, lane, task="store", owner=owner, events=2, codec="r", body=b"{}")
    redis_client.delete(keyspace.limits(SHARD, "acme"))

    assert used(door.admit(batch(events=1)).standing) == (1_001, 1_001)


def test_an_account_that_moves_takes_what_it_has_used_along(door: Door, accounts: Accounts) -> None:
    door.admit(batch(events=100))
    elsewhere = (SHARD + 1) % 16

    accounts.change("acme", AccountChange(shard=elsewhere), datetime.now(UTC))
    there = door.admit(batch(events=20))
    accounts.change("acme", AccountChange(shard=SHARD), datetime.now(UTC))
    back = door.admit(batch(events=3))

    assert (used(there.standing), used(back.standing)) == ((120, 120), (123, 123))


def test_many_who_miss_it_at_once_restore_it_once(door: Door, redis_client: redis.Redis, override: Any) -> None:
    override(daily_quota=100)
    door.admit(batch(events=50))
    redis_client.delete(keyspace.limits(SHARD, "acme"))
    barrier = threading.Barrier(8)
    admitted: list[int] = []

    def send() -> None:
        barrier.wait()
        for _ in range(10):
            try:
                admitted.append(door.admit(batch(events=1)).accepted)
            except Problem as refusal:
                assert refusal.limit == "daily_quota"  # noqa: PT017 - Any other refusal is a failure.

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(admitted) == 50


def test_without_postgresql_a_new_account_sends_at_once(
    nowhere: Database, valkey: Valkey, mirror: AccountMirror, door: Door
) -> None:
    without = make_admission(nowhere, valkey, mirror)

    assert used(type(door)(without, door.key).admit(batch(events=5)).standing) == (5, 5)


def test_without_postgresql_a_lost_quota_lets_nothing_in(
    nowhere: Database, valkey: Valkey, mirror: AccountMirror, door: Door, redis_client: redis.Redis
) -> None:
    redis_client.delete(keyspace.limits(SHARD, "acme"))
    without = make_admission(nowhere, valkey, mirror)

    with pytest.raises(DependencyUnavailableError):
        type(door)(without, door.key).admit()


def test_without_postgresql_an_account_without_quotas_sends_on_and_is_counted_later(
    nowhere: Database, valkey: Valkey, mirror: AccountMirror, door: Door, redis_client: redis.Redis, override: Any
) -> None:
    override(daily_quota=None, monthly_quota=None)
    redis_client.delete(keyspace.limits(SHARD, "acme"))
    without = make_admission(nowhere, valkey, mirror)

    type(door)(without, door.key).admit(batch(events=5))

    assert used(door.admit(batch(events=1)).standing) == (6, 6)


def test_the_rate_holds_also_while_the_quota_is_not_known(
    nowhere: Database, valkey: Valkey, mirror: AccountMirror, door: Door, redis_client: redis.Redis, override: Any
) -> None:
    override(daily_quota=None, monthly_quota=None, events_per_minute=1, events_burst=5)
    redis_client.delete(keyspace.limits(SHARD, "acme"))
    without = type(door)(make_admission(nowhere, valkey, mirror), door.key)
    without.admit(batch(events=5))

    assert without.refusal(batch(events=1)).limit == "events_per_minute"


def test_an_account_is_told_its_beginning_when_it_is_created(
    accounts: Accounts, keys: Keys, redis_client: redis.Redis
) -> None:
    accounts.create(NewAccount(account_id="fresh", name="Fresh", tier="free", shard=5), NOW)
    keys.create("fresh", TENANT_SCOPES, now=NOW)

    assert redis_client.hgetall(keyspace.limits(5, "fresh")) == {b"month": b""}


def test_what_is_read_back_is_no_more_than_the_account_s(redis_client: redis.Redis, door: Door) -> None:
    """An account that has nothing in flight has no lane looked through."""
    redis_client.delete(keyspace.limits(SHARD, "acme"), ShardKeys(SHARD).inflight)
    redis_client.set(ShardKeys(SHARD).streams[LANES.index(Lane.HIGH)], "no stream: to read it would fail")

    door.admit()
