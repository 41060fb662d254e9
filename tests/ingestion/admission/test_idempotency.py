"""The same Idempotency-Key gets the same answer, from the queue or from PostgreSQL, and consumes nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from app.core import keyspace
from app.core.problems import Problem, ProblemType
from app.core.queue.lanes import Lane
from app.core.tables import idempotency_keys
from app.domain.shards import shard_of
from ingestion.admission.verdict import Refusal
from tests.ingestion.admission.conftest import batch, make_admission, presented

if TYPE_CHECKING:
    import redis

    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey
    from tests.conftest import World
    from tests.ingestion.admission.conftest import Door, Queue

BODY = b'{"events":[1]}'


def stored(database: Database, *, key: str = "order-66", body: bytes = BODY, age: timedelta = timedelta(0)) -> None:
    """Write the answer that the store of events leaves in PostgreSQL."""
    values = {
        "account_id": "acme",
        "key_digest": sha256(key.encode()).digest(),
        "body_digest": sha256(body).digest(),
        "batch_id": "07n-1-0",
        "accepted": 40,
        "received_at": datetime.now(UTC) - age,
    }
    with database.begin() as connection:
        connection.execute(insert(idempotency_keys).values(values))


def test_a_repeat_gets_the_first_answer_and_changes_nothing(door: Door, queue: Queue) -> None:
    first = door.admit(batch(BODY, events=3), idempotency_key="order-66")
    before = queue.everything()

    second = door.admit(batch(BODY, events=3), idempotency_key="order-66")

    assert (second.batch_id, second.accepted, second.tier) == (first.batch_id, 3, "standard")
    assert (first.replayed, second.replayed) == (False, True)
    assert queue.everything() == before


def test_another_body_under_the_same_key_is_refused(door: Door, queue: Queue) -> None:
    door.admit(batch(BODY), idempotency_key="order-66")
    before = queue.everything()

    with pytest.raises(Refusal) as caught:
        door.admit(batch(b'{"events":[2]}'), idempotency_key="order-66")

    assert (caught.value.type, caught.value.tier) == (ProblemType.IDEMPOTENCY_MISMATCH, "standard")
    assert queue.everything() == before


def test_keys_of_two_accounts_are_two_keys(door: Door, world: World) -> None:
    first = door.admit(batch(BODY), idempotency_key="order-66")
    other = door.admit(batch(b"{}"), key=presented(world.bob.key), idempotency_key="order-66")

    assert first.batch_id != other.batch_id


def test_the_record_is_what_the_store_takes_over(door: Door, queue: Queue, redis_client: redis.Redis) -> None:
    receipt = door.admit(batch(BODY, events=3), idempotency_key="order-66")

    digest = sha256(b"order-66").hexdigest()
    name = keyspace.idempotency(shard_of("acme"), "acme", digest)
    ((_, fields),) = queue.entries("acme", Lane.NORMAL)
    assert fields[b"k"] == digest.encode()
    assert queue.hash(name) == {
        b"body": sha256(BODY).hexdigest().encode(),
        b"batch": receipt.batch_id.encode(),
        b"events": b"3",
    }
    assert 86_390 < redis_client.ttl(name) <= 86_400  # type: ignore[operator]  # A number.


def test_a_stored_batch_answers_from_postgresql(door: Door, database: Database, queue: Queue) -> None:
    stored(database)

    receipt = door.admit(batch(BODY), idempotency_key="order-66")

    assert (receipt.batch_id, receipt.accepted, receipt.replayed) == ("07n-1-0", 40, True)
    assert queue.accepted() == 0


def test_another_body_than_the_stored_one_is_refused(door: Door, database: Database, queue: Queue) -> None:
    stored(database, body=b'{"events":[2]}')

    with pytest.raises(Refusal) as caught:
        door.admit(batch(BODY), idempotency_key="order-66")

    assert caught.value.type is ProblemType.IDEMPOTENCY_MISMATCH
    assert queue.accepted() == 0


def test_after_a_day_the_key_is_free_again(door: Door, database: Database) -> None:
    stored(database, age=timedelta(hours=24, seconds=1))

    assert not door.admit(batch(BODY), idempotency_key="order-66").replayed


def test_a_stranger_learns_nothing_of_an_answer(door: Door, database: Database) -> None:
    stored(database)
    guessed = type(door.key)(door.key.account_id, door.key.key_id, "0" * 64)

    with pytest.raises(Problem) as caught:
        door.admit(batch(BODY), key=guessed, idempotency_key="order-66")

    assert caught.value.type is ProblemType.UNAUTHORIZED


def test_of_twins_one_is_admitted_and_all_get_its_answer(door: Door, queue: Queue) -> None:
    receipts = []
    together = threading.Barrier(8)

    def send() -> None:
        together.wait()
        receipts.append(door.admit(batch(BODY, events=3), idempotency_key="order-66"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({receipt.batch_id for receipt in receipts}) == 1
    assert sorted(receipt.replayed for receipt in receipts) == [False] + 7 * [True]
    assert queue.accepted() == 3


def test_without_postgresql_batches_still_come_in_and_the_missing_look_is_counted(
    door: Door, nowhere: Database, valkey: Valkey, mirror: AccountMirror
) -> None:
    skipped: list[None] = []
    admission = make_admission(nowhere, valkey, mirror, lambda: skipped.append(None))

    first = door.__class__(admission, door.key).admit(batch(BODY), idempotency_key="order-66")
    again = door.__class__(admission, door.key).admit(batch(BODY), idempotency_key="order-66")
    other = door.__class__(admission, door.key).admit(batch(BODY), idempotency_key="order-67")

    assert (again.batch_id, again.replayed) == (first.batch_id, True)
    assert not other.replayed
    assert len(skipped) == 2
