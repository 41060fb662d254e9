from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import app.core.mirror
from app.core import keyspace, mirror_store
from app.core.accounts_service import AccountChange, NewAccount
from app.core.database import Database
from app.core.errors import DependencyUnavailableError
from app.core.keys import TENANT_SCOPES, parse_key
from app.core.keys_service import Keys
from app.core.mirror import REMEMBER_REMOVAL_S, AccountMirror
from app.core.tiers import Overrides
from app.core.valkey import Valkey
from app.domain.shards import shard_of

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    import redis

    from app.core.accounts_service import Accounts

NOW = datetime.now(UTC)
SHARD = shard_of("acme")
ACCOUNT = keyspace.account_mirror(SHARD, "acme")
KEYS = keyspace.key_mirror(SHARD, "acme")


@pytest.fixture(autouse=True)
def acme(accounts: Accounts) -> None:
    accounts.create(NewAccount(account_id="acme", name="Acme", tier="standard"), NOW)


def key_ids(valkey: Valkey) -> set[str]:
    return {name.decode() for name in valkey.execute("HKEYS", KEYS)} - {"revision"}


def test_a_mirror_holds_the_limits_of_the_tier(redis_client: redis.Redis) -> None:
    assert redis_client.hgetall(ACCOUNT) == {
        b"tier": b"standard",
        b"lane": b"normal",
        b"ordered": b"0",
        b"events_per_minute": b"60000",
        b"events_burst": b"10000",
        b"summaries_per_minute": b"600",
        b"daily_quota": b"10000000",
        b"monthly_quota": b"200000000",
    }


def test_a_mirror_holds_the_limits_with_the_accounts_overrides(accounts: Accounts, redis_client: redis.Redis) -> None:
    overrides = Overrides(events_burst=20_000, daily_quota=None, lane="high")
    accounts.change("acme", AccountChange(overrides=overrides, ordered=True), NOW)

    held = redis_client.hgetall(ACCOUNT)

    assert held[b"events_burst"] == b"20000"
    assert held[b"daily_quota"] == b""
    assert held[b"monthly_quota"] == b"200000000"
    assert held[b"lane"] == b"high"
    assert held[b"ordered"] == b"1"


def test_a_key_is_mirrored_as_digest_expiry_and_scopes(keys: Keys, redis_client: redis.Redis) -> None:
    end = datetime(2100, 1, 1, tzinfo=UTC)
    issued = keys.create("acme", TENANT_SCOPES, now=NOW, expires_at=end)
    presented = parse_key(issued.text)

    held = redis_client.hget(KEYS, issued.key.key_id)

    assert presented is not None
    assert held == f"{presented.digest_hex} {int(end.timestamp())} events:write,summary:read,telemetry:write".encode()


def test_a_secret_is_nowhere_in_valkey(keys: Keys, redis_client: redis.Redis) -> None:
    secret = keys.create("acme", TENANT_SCOPES, now=NOW).text.rpartition(".")[2].encode()

    held = [redis_client.hgetall(name) for name in redis_client.keys("*")]

    assert held
    assert not any(secret in value for each in held for value in each.values())


def test_a_lost_mirror_is_restored_whole(mirror: AccountMirror, keys: Keys, redis_client: redis.Redis) -> None:
    keys.create("acme", TENANT_SCOPES, now=NOW)
    # What the account has used is no part of the mirror, and is not to be had from its row.
    redis_client.delete(keyspace.limits(shard_of("acme"), "acme"))
    before = {name: redis_client.hgetall(name) for name in redis_client.keys("*")}
    redis_client.flushall()

    assert mirror.restore("acme")

    assert {name: redis_client.hgetall(name) for name in redis_client.keys("*")} == before


def test_an_account_that_does_not_exist_is_not_mirrored(mirror: AccountMirror, redis_client: redis.Redis) -> None:
    assert not mirror.restore("nobody")

    assert not redis_client.exists(keyspace.account_mirror(shard_of("nobody"), "nobody"))


def test_an_expired_key_is_not_mirrored(mirror: AccountMirror, keys: Keys, valkey: Valkey) -> None:
    past = NOW - timedelta(days=2)
    keys.create("acme", TENANT_SCOPES, now=past, expires_at=past + timedelta(days=1))

    mirror.write("acme")

    assert key_ids(valkey) == set()


class Pause:
    """Holds whoever reads snapshots from PostgreSQL, with what was read in hand, until told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self.has_read = threading.Event()
        self.may_go_on = threading.Event()
        self._read = mirror_store.snapshots
        self._held = threading.local()
        monkeypatch.setattr(mirror_store, "snapshots", self._snapshots)

    def hold_this_thread(self) -> None:
        self._held.held = True

    def _snapshots(self, *args: Any) -> list[mirror_store.Snapshot]:
        found = self._read(*args)
        self.reads += 1
        if getattr(self._held, "held", False):
            self.has_read.set()
            assert self.may_go_on.wait(30)
        return found


def test_a_slow_restore_does_not_resurrect_a_key_revoked_meanwhile(
    mirror: AccountMirror, keys: Keys, valkey: Valkey, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed = keys.create("acme", TENANT_SCOPES, now=NOW).key
    redis_client.flushall()
    pause = Pause(monkeypatch)

    def restore() -> bool:
        pause.hold_this_thread()
        return mirror.restore("acme")

    with ThreadPoolExecutor() as threads:
        slow = threads.submit(restore)
        assert pause.has_read.wait(30)
        keys.revoke(doomed.key_id, NOW)
        pause.may_go_on.set()
        assert slow.result()

    assert key_ids(valkey) == set()
    assert redis_client.exists(ACCOUNT)


def test_a_slow_restore_does_not_bring_a_mirror_back_to_a_shard_that_the_account_has_left(
    mirror: AccountMirror, accounts: Accounts, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (SHARD + 1) % 16
    redis_client.flushall()
    pause = Pause(monkeypatch)

    def restore() -> bool:
        pause.hold_this_thread()
        return mirror.restore("acme")

    with ThreadPoolExecutor() as threads:
        slow = threads.submit(restore)
        assert pause.has_read.wait(30)
        accounts.change("acme", AccountChange(shard=other), NOW)
        pause.may_go_on.set()
        slow.result()

    assert not redis_client.exists(ACCOUNT)
    assert 0 < redis_client.ttl(KEYS) <= REMEMBER_REMOVAL_S
    assert redis_client.exists(keyspace.account_mirror(other, "acme"))


def test_many_who_miss_the_same_account_cause_one_look_at_postgresql(
    mirror: AccountMirror, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_client.flushall()
    pause = Pause(monkeypatch)
    joined = threading.Semaphore(0)
    outcome_of = app.core.mirror._outcome_of

    def restore() -> bool:
        pause.hold_this_thread()
        return mirror.restore("acme")

    def wait_for(running: Future[bool]) -> bool:
        joined.release()
        return outcome_of(running)

    monkeypatch.setattr(app.core.mirror, "_outcome_of", wait_for)
    with ThreadPoolExecutor(max_workers=10) as threads:
        everybody = [threads.submit(restore) for _ in range(10)]
        for _ in range(9):
            assert joined.acquire(timeout=30)
        pause.may_go_on.set()
        assert all(one.result() for one in everybody)

    assert pause.reads == 1


def test_a_failed_restore_fails_for_all_who_waited_and_is_forgotten(
    valkey: Valkey, mirror: AccountMirror, tmp_path: Path, redis_client: redis.Redis
) -> None:
    redis_client.flushall()
    gone = Database(f"postgresql://nobody@/none?host={tmp_path}")
    blind = AccountMirror(gone, valkey)

    with ThreadPoolExecutor(max_workers=4) as threads:
        failed = [threads.submit(blind.restore, "acme") for _ in range(4)]
        assert {type(one.exception()) for one in failed} == {DependencyUnavailableError}
    gone.close()

    assert not blind._running
    assert mirror.restore("acme")


def test_a_change_that_cannot_be_mirrored_is_not_answered_and_can_be_repeated(
    database: Database, keys: Keys, tmp_path: Path, valkey: Valkey
) -> None:
    doomed = keys.create("acme", TENANT_SCOPES, now=NOW).key
    cut_off = Keys(database, AccountMirror(database, Valkey(f"unix://{tmp_path}/none.sock")))

    with pytest.raises(DependencyUnavailableError):
        cut_off.revoke(doomed.key_id, NOW)
    assert key_ids(valkey) == {doomed.key_id}

    keys.revoke(doomed.key_id, NOW)
    assert key_ids(valkey) == set()


def test_a_mirror_is_never_seen_half_written(mirror: AccountMirror, keys: Keys, redis_client: redis.Redis) -> None:
    keys.create("acme", TENANT_SCOPES, now=NOW)
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            mirror.write("acme")

    with ThreadPoolExecutor() as threads:
        writer = threads.submit(write)
        seen = {(redis_client.hlen(ACCOUNT), redis_client.hlen(KEYS)) for _ in range(300)}
        ended.set()
        writer.result()

    assert seen == {(8, 2)}
