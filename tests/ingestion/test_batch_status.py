"""`GET /batches/{batch_id}` as a client sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from app.core.queue.entry import decode
from app.core.queue.keys import lane_stream
from app.core.queue.lanes import LANE_BY_LETTER, LANES
from app.core.tables import batch_outcomes, dead_letters
from ingestion.reading import read_entry
from tests.ingestion.event_clients import batch, event, get, make_client, post
from tests.ingestion.problems import slug

if TYPE_CHECKING:
    import redis
    from flask.testing import FlaskClient

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey
    from ingestion.writer import Writer
    from tests.conftest import World

RECEIVED = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def client(database: Database, valkey: Valkey, mirror: AccountMirror, authenticator: Authenticator) -> FlaskClient:
    return make_client(database, valkey, mirror, authenticator)


def store(client: redis.Redis, writer: Writer, batch_id: str) -> None:
    """Do what a worker does with one batch."""
    shard, lane, entry_id = int(batch_id[:2]), LANE_BY_LETTER[batch_id[2]], batch_id[4:]
    stream = lane_stream(shard, lane)
    ((_, fields),) = client.xrange(stream, entry_id, entry_id)  # type: ignore[misc]  # A list.
    flat = [part for pair in fields.items() for part in pair]
    writer.store([read_entry(decode(shard, LANES.index(lane), entry_id.encode(), flat), None)])
    client.xdel(stream, entry_id)


def test_a_batch_is_queued_and_then_stored(
    client: FlaskClient, world: World, redis_client: redis.Redis, writer: Writer
) -> None:
    response = post(client, world.alice.key, batch(event(1), event(1), event(2)))
    assert response.json is not None
    batch_id = response.json["batch_id"]

    before = get(client, world.alice.key, batch_id).json
    store(redis_client, writer, batch_id)
    after = get(client, world.alice.key, batch_id).json

    nothing = {"stored": 0, "duplicates": 0, "dead": 0, "reasons": []}
    assert before == nothing | {"batch_id": batch_id, "state": "queued", "accepted": 3}
    assert after == nothing | {"batch_id": batch_id, "state": "stored", "accepted": 3, "stored": 2, "duplicates": 1}


def buried(database: Database, batch_id: str, *, stored: int, positions: list[int]) -> None:
    outcome = {"account_id": "acme", "batch_id": batch_id, "received_at": RECEIVED}
    letter = outcome | {"reason": "kept-failing", "detail": "why", "attempts": 3, "body": b"{}", "died_at": RECEIVED}
    counts = {"stored": stored, "duplicates": 0, "dead": len(positions), "stored_at": RECEIVED}
    with database.begin() as connection:
        connection.execute(insert(batch_outcomes).values(outcome | counts))
        for position in positions:
            name = None if position < 0 else f"event-{position}"
            connection.execute(insert(dead_letters).values(letter | {"position": position, "event_id": name}))


@pytest.mark.parametrize(("stored", "state"), [(2, "partly_stored"), (0, "dead")])
def test_dead_events_say_why(client: FlaskClient, world: World, database: Database, stored: int, state: str) -> None:
    buried(database, "07n-1-0", stored=stored, positions=[4, 1])

    answer = get(client, world.alice.key, "07n-1-0").json

    assert answer is not None
    assert (answer["state"], answer["accepted"], answer["dead"]) == (state, stored + 2, 2)
    assert answer["reasons"] == [
        {"reason": "kept-failing", "detail": "why", "index": 1, "event_id": "event-1"},
        {"reason": "kept-failing", "detail": "why", "index": 4, "event_id": "event-4"},
    ]


def test_a_batch_that_nobody_could_read_has_one_reason(client: FlaskClient, world: World, database: Database) -> None:
    buried(database, "07n-1-0", stored=0, positions=[-1])

    answer = get(client, world.alice.key, "07n-1-0").json

    assert answer is not None
    assert answer["reasons"] == [{"reason": "kept-failing", "detail": "why"}]


@pytest.mark.parametrize(
    "batch_id",
    [
        "07n-1-0",
        "99n-1-0",
        "07x-1-0",
        "nonsense",
        "07n-1",
        "07n-99999999999999999999-0",
        "07n-1-99999999999999999999",
        "%00",
        "07n-1-0%0a",
    ],
)
def test_a_batch_that_does_not_exist_is_not_found(client: FlaskClient, world: World, batch_id: str) -> None:
    response = get(client, world.alice.key, batch_id)

    assert (response.status_code, slug(response)) == (404, "not-found")


def test_the_batches_of_others_look_like_missing_ones(client: FlaskClient, world: World, database: Database) -> None:
    queued_batch = post(client, world.alice.key).json
    buried(database, "07n-1-0", stored=1, positions=[])
    assert queued_batch is not None

    answers = [get(client, world.bob.key, name) for name in (queued_batch["batch_id"], "07n-1-0", "07n-2-0")]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json["detail"] for answer in answers if answer.json}) == 1
