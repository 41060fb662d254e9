from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.core import keyspace
from app.domain.shards import shard_of
from app.task_queue import task_queue

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey


def run(settings: Settings, database: Database, valkey: Valkey, name: str) -> None:
    """Run a periodic task as the worker does when its minute comes."""
    huey = task_queue(settings, database, valkey).huey
    (task,) = (task for task in huey._registry.periodic_tasks if type(task).__name__ == name)
    huey.execute(task)


def test_a_mirror_that_was_changed_by_hand_is_right_again_within_a_minute(
    settings: Settings, database: Database, valkey: Valkey, world: Any
) -> None:
    mirror = keyspace.account_mirror(shard_of("acme"), "acme")
    valkey.execute("DEL", mirror)

    run(settings, database, valkey, "resync_mirrors")

    assert valkey.execute("HGET", mirror, "tier") == b"standard"


def test_the_mirror_of_an_account_that_nobody_has_is_removed_within_the_hour(
    settings: Settings, database: Database, valkey: Valkey, world: Any
) -> None:
    stray = keyspace.account_mirror(shard_of("ghost"), "ghost")
    valkey.execute("HSET", stray, "tier", "standard")

    run(settings, database, valkey, "rebuild_mirrors")

    assert valkey.execute("EXISTS", stray) == 0
