"""Admission on a real Valkey and PostgreSQL, and a look at what it wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core import keyspace
from app.core.key_usage import KeyUsage
from app.core.keys import parse_key
from app.core.queue import keys as queue_keys
from app.core.shard_directory import ShardDirectory
from app.domain.shards import SHARDS, shard_of
from ingestion.admission.admission import Admission
from ingestion.admission.answers import Answers
from ingestion.events.model import DecodedBatch

if TYPE_CHECKING:
    import redis

    from app.core.database import Database
    from app.core.keys import PresentedKey
    from app.core.mirror import AccountMirror
    from app.core.queue.lanes import Lane
    from app.core.valkey import Valkey
    from ingestion.admission.admission import Receipt
    from tests.conftest import World

QUEUE_MAX_BYTES = 16 * 100_000


def presented(text: str) -> PresentedKey:
    key = parse_key(text)
    assert key is not None
    return key


def batch(body: bytes = b'{"events":[]}', *, events: int = 1, types: tuple[str, ...] = ("flight",)) -> DecodedBatch:
    return DecodedBatch(body, events, frozenset(types))


@dataclass
class Door:
    """Admits batches of Alice unless told otherwise, and counts the lookups that were skipped."""

    admission: Admission
    key: PresentedKey
    skipped: list[None] = field(default_factory=list)

    def admit(
        self, body: DecodedBatch | None = None, *, key: PresentedKey | None = None, idempotency_key: str | None = None
    ) -> Receipt:
        return self.admission.admit(
            key or self.key, body or batch(), idempotency_key=idempotency_key, now=datetime.now(UTC)
        )


@dataclass
class Queue:
    """What lies in Valkey."""

    client: redis.Redis

    def entries(self, account_id: str, lane: Lane) -> list[tuple[bytes, dict[bytes, bytes]]]:
        entries: Any = self.client.xrange(queue_keys.lane_stream(shard_of(account_id), lane))
        return list(entries)

    def everything(self) -> dict[bytes, bytes]:
        """Every key with its content, to see whether anything changed."""
        names: Any = self.client.keys()
        contents: Any = [self.client.dump(name) for name in sorted(names)]
        return dict(zip(sorted(names), contents, strict=True))

    def hash(self, name: str) -> dict[bytes, bytes]:
        content: Any = self.client.hgetall(name)
        return dict(content)

    def accepted(self) -> int:
        hashes = [self.hash(keyspace.accepted_minutes(shard)) for shard in range(SHARDS)]
        return sum(int(count) for minutes in hashes for count in minutes.values())


@pytest.fixture
def queue(redis_client: redis.Redis) -> Queue:
    return Queue(redis_client)


def make_admission(
    database: Database, valkey: Valkey, mirror: AccountMirror, on_skipped: Any = lambda: None
) -> Admission:
    return Admission(
        valkey=valkey,
        mirror=mirror,
        shards=ShardDirectory(valkey),
        usage=KeyUsage(database),
        answers=Answers(database, on_skipped=on_skipped),
        queue_max_bytes=QUEUE_MAX_BYTES,
    )


@pytest.fixture
def door(database: Database, valkey: Valkey, mirror: AccountMirror, world: World) -> Door:
    skipped: list[None] = []
    admission = make_admission(database, valkey, mirror, lambda: skipped.append(None))
    return Door(admission, presented(world.alice.key), skipped)
