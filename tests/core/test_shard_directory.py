from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.errors import DependencyUnavailableError
from app.core.shard_directory import ShardDirectory
from app.core.valkey import Valkey
from app.domain.shards import shard_of

if TYPE_CHECKING:
    from pathlib import Path

    import redis

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def reads(client: redis.Redis) -> int:
    return int(client.info("commandstats").get("cmdstat_hgetall", {}).get("calls", 0))


def test_an_account_is_on_the_shard_of_its_hash_unless_another_is_named(
    valkey: Valkey, redis_client: redis.Redis
) -> None:
    redis_client.hset(keyspace.directory(), "acme", 3)

    directory = ShardDirectory(valkey)

    assert directory.shard_of("acme", NOW) == 3
    assert directory.shard_of("bolt", NOW) == shard_of("bolt")


@pytest.mark.parametrize("later", [SECOND, -SECOND], ids=["a second later", "after the clock was set back"])
def test_a_copy_is_read_anew_when_it_is_a_second_old(
    valkey: Valkey, redis_client: redis.Redis, later: timedelta
) -> None:
    directory = ShardDirectory(valkey)
    directory.shard_of("acme", NOW)
    redis_client.hset(keyspace.directory(), "acme", (shard_of("acme") + 1) % 16)
    before = reads(redis_client)

    assert directory.shard_of("acme", NOW + later / 2) == shard_of("acme")
    assert reads(redis_client) == before

    assert directory.shard_of("acme", NOW + later) == (shard_of("acme") + 1) % 16
    assert reads(redis_client) == before + 1


def test_a_refresh_forgets_shards_that_are_named_no_more(valkey: Valkey, redis_client: redis.Redis) -> None:
    redis_client.hset(keyspace.directory(), "acme", 3)
    directory = ShardDirectory(valkey)
    directory.refresh(NOW)
    redis_client.delete(keyspace.directory())

    directory.refresh(NOW)

    assert directory.shard_of("acme", NOW) == shard_of("acme")


def test_without_valkey_no_shard_is_guessed(tmp_path: Path) -> None:
    directory = ShardDirectory(Valkey(f"unix://{tmp_path}/none.sock"))

    with pytest.raises(DependencyUnavailableError):
        directory.shard_of("acme", NOW)
