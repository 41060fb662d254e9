"""One script lets a batch in, whole or not at all."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.accounts_service import AccountChange
from app.core.keys import Scope
from app.core.problems import Problem, ProblemType
from app.core.queue import keys as queue_keys
from app.core.queue.lanes import Lane
from app.core.valkey import ValkeyRefusedError
from app.domain.shards import shard_of
from ingestion.admission.verdict import MOST_TYPES, Refusal
from ingestion.events.compression import PACKED_FROM, unpack
from tests.ingestion.admission.conftest import Door, batch, make_admission, presented

if TYPE_CHECKING:
    import redis

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys import PresentedKey
    from app.core.keys_service import Keys
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey
    from tests.conftest import World
    from tests.ingestion.admission.conftest import Queue

SHARD = shard_of("acme")


def refusal(door: Door, **request: object) -> Problem:
    with pytest.raises(Problem) as caught:
        door.admit(**request)  # type: ignore[arg-type]  # As the tests below give it.
    return caught.value


def test_a_batch_lands_in_the_stream_of_its_account(door: Door, queue: Queue) -> None:
    receipt = door.admit(batch(b'{"events":[1,2]}', events=2))

    ((entry_id, fields),) = queue.entries("acme", Lane.NORMAL)
    assert fields == {b"v": b"1", b"t": b"store", b"o": b"acme", b"n": b"2", b"c": b"r", b"d": b'{"events":[1,2]}'}
    assert receipt.batch_id == f"{SHARD:02d}n-{entry_id.decode()}"
    assert (receipt.accepted, receipt.tier, receipt.replayed) == (2, "standard", False)


def test_the_lane_is_the_one_of_the_tier(door: Door, queue: Queue, world: World) -> None:
    low = door.admit(key=presented(world.bob.key))
    high = door.admit(key=presented(world.charlie.key))

    assert re.fullmatch(r"\d\dl-\d+-\d+", low.batch_id)
    assert re.fullmatch(r"\d\dh-\d+-\d+", high.batch_id)
    assert len(queue.entries("bolt", Lane.LOW)) == len(queue.entries("corner", Lane.HIGH)) == 1


def test_a_large_body_goes_in_compressed(door: Door, queue: Queue) -> None:
    body = b'{"events":[' + b" " * PACKED_FROM + b"]}"

    door.admit(batch(body))

    ((_, fields),) = queue.entries("acme", Lane.NORMAL)
    assert fields[b"c"] == b"z"
    assert unpack(fields[b"c"], fields[b"d"]) == body


def test_what_waits_is_counted_for_its_shard_its_lane_and_its_account(door: Door, queue: Queue) -> None:
    door.admit(batch(b"12345", events=3))
    door.admit(batch(b"1234567", events=4))

    expected = {b"entries": b"2", b"bytes": b"12", b"events": b"7"}
    assert queue.hash(queue_keys.load(SHARD)) == expected | {b"normal:" + name: n for name, n in expected.items()}
    assert queue.hash(queue_keys.inflight(SHARD)) == {b"acme": b"7"}


def test_accepted_events_are_counted_in_the_minute_of_their_receipt(door: Door, queue: Queue) -> None:
    receipt = door.admit(batch(events=5))

    minute = int(receipt.batch_id.split("-")[1]) // 60_000
    assert queue.hash(keyspace.accepted_minutes(SHARD)) == {str(minute).encode(): b"5"}


def stranger(key: PresentedKey, **changed: str) -> PresentedKey:
    values = {"account_id": key.account_id, "key_id": key.key_id, "digest_hex": key.digest_hex} | changed
    return type(key)(**values)


@pytest.mark.parametrize(
    "changed",
    [
        {"digest_hex": "0" * 64},
        {"key_id": "aaaaaaaaaaaa"},
        {"key_id": "revision", "digest_hex": "1"},
        {"account_id": "bolt"},
        {"account_id": "nobody"},
    ],
    ids=["wrong secret", "unknown key", "no key at all", "another account", "unknown account"],
)
def test_a_key_that_is_not_valid_lets_nothing_in(door: Door, queue: Queue, changed: dict[str, str]) -> None:
    problem = refusal(door, key=stranger(door.key, **changed))

    assert problem.type is ProblemType.UNAUTHORIZED
    assert not isinstance(problem, Refusal)
    assert queue.accepted() == 0


def test_a_revoked_key_is_refused_at_once(door: Door, keys: Keys) -> None:
    door.admit()

    keys.revoke(door.key.key_id, datetime.now(UTC))

    assert refusal(door).type is ProblemType.UNAUTHORIZED


def test_an_expired_key_is_refused(door: Door, keys: Keys, redis_client: redis.Redis) -> None:
    mirror = keyspace.key_mirror(SHARD, "acme")
    digest, _, scopes = redis_client.hget(mirror, door.key.key_id).decode().split(" ")  # type: ignore[union-attr]  # Bytes.
    past = int((datetime.now(UTC) - timedelta(seconds=1)).timestamp())
    redis_client.hset(mirror, door.key.key_id, f"{digest} {past} {scopes}")

    assert refusal(door).type is ProblemType.UNAUTHORIZED


def test_a_key_must_have_the_scope(door: Door, keys: Keys, queue: Queue) -> None:
    reader = keys.create("acme", {Scope.SUMMARY_READ}, now=datetime.now(UTC))

    problem = refusal(door, key=presented(reader.text))

    assert isinstance(problem, Refusal)
    assert (problem.type, problem.tier) == (ProblemType.FORBIDDEN, "standard")
    assert queue.accepted() == 0


def test_a_lost_mirror_is_restored_on_the_way(door: Door, redis_client: redis.Redis) -> None:
    redis_client.flushall()

    assert door.admit().tier == "standard"


def test_an_account_that_moved_to_another_shard_is_found_there(
    door: Door, accounts: Accounts, redis_client: redis.Redis
) -> None:
    door.admit()
    elsewhere = (SHARD + 1) % 16
    accounts.change("acme", AccountChange(shard=elsewhere), datetime.now(UTC))

    assert door.admit().batch_id.startswith(f"{elsewhere:02d}n-")


def test_a_full_queue_refuses_and_says_when_to_come_back(door: Door, queue: Queue) -> None:
    door.admit(batch(b"x" * 60_000))
    before = queue.everything()

    problem = refusal(door, body=batch(b"x" * 30_001))

    assert isinstance(problem, Refusal)
    assert (problem.type, problem.limit, problem.tier) == (ProblemType.OVERLOADED, "queue", "standard")
    assert problem.retry_after is not None
    assert queue.everything() == before
    door.admit(batch(b"x" * 30_000))


def test_an_account_has_so_many_event_types_a_day(door: Door, queue: Queue) -> None:
    door.admit(batch(types=tuple(f"type-{n}" for n in range(MOST_TYPES - 1))))
    before = queue.everything()

    problem = refusal(door, body=batch(types=("type-0", "new-1", "new-2")))

    assert isinstance(problem, Refusal)
    assert (problem.type, problem.limit) == (ProblemType.INVALID_EVENTS, "event_types_per_day")
    assert [error.detail for error in problem.errors] == ["new-1 was not used today.", "new-2 was not used today."]
    assert queue.everything() == before
    door.admit(batch(types=("type-0", "new-1")))
    door.admit(batch(types=("type-7", "new-1")))


def test_event_types_that_came_by_another_process_are_not_counted_twice(
    door: Door, database: Database, valkey: Valkey, mirror: AccountMirror
) -> None:
    door.admit(batch(types=tuple(f"type-{n}" for n in range(MOST_TYPES))))
    other = Door(make_admission(database, valkey, mirror), door.key)

    assert other.admit(batch(types=("type-0", "type-999"))).accepted == 1
    assert refusal(other, body=batch(types=("type-0", "new"))).type is ProblemType.INVALID_EVENTS


def test_the_event_types_of_an_account_are_forgotten_with_the_day(door: Door, redis_client: redis.Redis) -> None:
    door.admit()

    name = keyspace.event_types(SHARD, "acme", datetime.now(UTC).date().isoformat())
    assert 0 < redis_client.ttl(name) <= 2 * 86_400  # type: ignore[operator]  # A number.


def test_a_valkey_without_memory_is_no_half_admission(door: Door, queue: Queue, redis_client: redis.Redis) -> None:
    door.admit()
    before = queue.everything()
    limit = str(redis_client.config_get("maxmemory")["maxmemory"])
    redis_client.config_set("maxmemory", 1)
    try:
        with pytest.raises(ValkeyRefusedError) as caught:
            door.admit()
    finally:
        redis_client.config_set("maxmemory", limit)

    assert caught.value.out_of_memory
    assert queue.everything() == before


def test_many_at_once_are_admitted_once_each(door: Door, queue: Queue) -> None:
    receipts: list[str] = []

    def send() -> None:
        receipts.extend(door.admit(batch(events=2)).batch_id for _ in range(20))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = queue.entries("acme", Lane.NORMAL)
    assert {f"{SHARD:02d}n-{entry_id.decode()}" for entry_id, _ in entries} == set(receipts)
    assert len(receipts) == 160
    assert queue.accepted() == 320
