from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.core import keyspace
from app.core.accounts_service import AccountChange, NewAccount
from app.core.keys import TENANT_SCOPES
from app.core.mirror_upkeep import MirrorUpkeep, Rebuilt
from app.core.tiers import Overrides
from app.domain.shards import shard_of

if TYPE_CHECKING:
    import redis

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys_service import Keys
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def upkeep(database: Database, valkey: Valkey, mirror: AccountMirror) -> MirrorUpkeep:
    return MirrorUpkeep(database=database, valkey=valkey, mirror=mirror)


@pytest.fixture(autouse=True)
def some_accounts(accounts: Accounts, keys: Keys) -> None:
    for number in range(5):
        shard = 9 if number == 0 else None
        accounts.create(NewAccount(account_id=f"a{number}", name="A", tier="free", shard=shard), NOW - 2 * HOUR)
    keys.create("a0", TENANT_SCOPES, now=NOW)


def everything(client: redis.Redis) -> dict[Any, Any]:
    """All mirrors; what accounts have used is none, and is not in their rows."""
    return {name: client.hgetall(name) for name in client.keys("*") if b":limits:" not in name}


def test_a_resync_writes_the_accounts_that_changed_since_then(upkeep: MirrorUpkeep, redis_client: redis.Redis) -> None:
    redis_client.flushall()

    assert upkeep.resync(NOW - HOUR) == 1

    assert set(redis_client.keys("*account*")) == {b"{s09}:account:a0", b"{accounts}:shards"}


def test_a_rebuild_brings_everything_back_that_valkey_lost(upkeep: MirrorUpkeep, redis_client: redis.Redis) -> None:
    before = everything(redis_client)
    redis_client.flushall()

    assert upkeep.rebuild(NOW) == Rebuilt(written=5, ahead=0, removed=0)

    assert everything(redis_client) == before


def test_a_rebuild_heals_what_somebody_changed_by_hand(upkeep: MirrorUpkeep, redis_client: redis.Redis) -> None:
    before = everything(redis_client)
    account = keyspace.account_mirror(9, "a0")
    redis_client.hset(account, mapping={"events_per_minute": 1, "colour": "red"})
    redis_client.hset(keyspace.key_mirror(9, "a0"), "x" * 12, "digest 0 admin")
    redis_client.hset(keyspace.directory(), mapping={"a0": 3, "a1": 4, "nobody": 5})
    redis_client.delete(keyspace.account_mirror(shard_of("a2"), "a2"))

    upkeep.rebuild(NOW)

    assert everything(redis_client) == before


def test_a_rebuild_removes_mirrors_that_no_account_has(
    upkeep: MirrorUpkeep, accounts: Accounts, database: Database, redis_client: redis.Redis
) -> None:
    stray = keyspace.account_mirror(1, "a0")
    redis_client.hset(stray, "tier", "free")
    redis_client.hset(keyspace.key_mirror(1, "a0"), "x" * 12, "digest 0 admin")
    with database.begin() as connection:
        connection.execute(text("DELETE FROM accounts WHERE account_id = 'a1'"))

    assert upkeep.rebuild(NOW) == Rebuilt(written=4, ahead=0, removed=2)

    assert not redis_client.exists(stray)
    assert redis_client.hkeys(keyspace.key_mirror(1, "a0")) == [b"revision"]
    assert not redis_client.exists(keyspace.account_mirror(shard_of("a1"), "a1"))


def test_a_mirror_ahead_of_a_database_restored_from_a_backup_is_brought_back(
    upkeep: MirrorUpkeep, accounts: Accounts, keys: Keys, database: Database, redis_client: redis.Redis
) -> None:
    backup = accounts.get("a1").updated_at
    accounts.change("a1", AccountChange(overrides=Overrides(events_burst=1)), NOW)
    lost = keys.create("a1", TENANT_SCOPES, now=NOW).key
    with database.begin() as connection:
        connection.execute(text("DELETE FROM api_keys WHERE key_id = :id"), {"id": lost.key_id})
        connection.execute(
            text("UPDATE accounts SET overrides = '{}', updated_at = :then WHERE account_id = 'a1'"), {"then": backup}
        )

    assert upkeep.rebuild(NOW) == Rebuilt(written=5, ahead=1, removed=0)

    shard = shard_of("a1")
    assert redis_client.hget(keyspace.account_mirror(shard, "a1"), "events_burst") == b"2000"
    assert redis_client.hkeys(keyspace.key_mirror(shard, "a1")) == [b"revision"]
    assert upkeep.rebuild(NOW) == Rebuilt(written=5, ahead=0, removed=0)


def test_more_accounts_than_fit_a_page_are_all_written(
    upkeep: MirrorUpkeep, database: Database, redis_client: redis.Redis
) -> None:
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO accounts (account_id, name, tier) SELECT 'n' || i, 'N', 'free' FROM generate_series(1, 450) i"
            )
        )
    redis_client.flushall()

    assert upkeep.rebuild(NOW).written == 455
    assert len(list(redis_client.scan_iter(keyspace.ACCOUNT_MIRRORS, count=1_000))) == 455
