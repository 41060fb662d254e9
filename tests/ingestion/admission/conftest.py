"""Admission on a real Valkey and PostgreSQL, and a look at what it wrote."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core import keyspace
from app.core.accounts_service import AccountChange
from app.core.key_usage import KeyUsage
from app.core.keys import parse_key
from app.core.queue import keys as queue_keys
from app.core.shard_directory import ShardDirectory
from app.core.tiers import Overrides
from app.domain.shards import SHARDS, shard_of
from ingestion.admission.admission import NO_TICKET, SHARD_ROOM, Admission, Rules
from ingestion.admission.answers import IdempotencyAnswers
from ingestion.admission.circuits import Circuits
from ingestion.admission.quotas import Quotas
from ingestion.admission.scripts import Scripts
from ingestion.admission.verdict import Refusal
from ingestion.events.model import DecodedBatch
from ingestion.limits.circuit_breaker import Thresholds
from ingestion.limits.lua import SERVER_CLOCK
from tests.ingestion.admission.turnable import TURNABLE_CLOCK, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys import PresentedKey
    from app.core.mirror import AccountMirror
    from app.core.queue.lanes import Lane
    from app.core.valkey import Valkey
    from ingestion.admission.admission import Ticket
    from ingestion.admission.verdict import Receipt
    from tests.conftest import World

ROOM = 100_000
"""Bytes that may wait in one shard."""
BUNDLE = 5_000
THRESHOLDS = Thresholds(minimum=4, successes=2)


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
        self,
        body: DecodedBatch | None = None,
        *,
        key: PresentedKey | None = None,
        idempotency_key: str | None = None,
        ticket: Ticket = NO_TICKET,
    ) -> Receipt:
        return self.admission.admit(
            key or self.key, body or batch(), idempotency_key=idempotency_key, now=datetime.now(UTC), ticket=ticket
        )

    def refusal(self, *args: Any, **request: Any) -> Refusal:
        """What an account is refused with."""
        with pytest.raises(Refusal) as caught:
            self.admit(*args, **request)
        return caught.value


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


@contextlib.contextmanager
def memory_limited(client: redis.Redis, limit: int) -> Iterator[None]:
    """Give Valkey so much memory, for a while."""
    before: Any = client.config_get("maxmemory")
    client.config_set("maxmemory", limit)
    try:
        yield
    finally:
        client.config_set("maxmemory", before["maxmemory"])


@pytest.fixture
def queue(redis_client: redis.Redis) -> Queue:
    return Queue(redis_client)


def make_admission(
    database: Database,
    valkey: Valkey,
    mirror: AccountMirror,
    on_skipped: Any = lambda: None,
    *,
    clock: str = SERVER_CLOCK,
    room: int = ROOM,
) -> Admission:
    scripts = Scripts(valkey, clock=clock)
    return Admission(
        scripts,
        Rules(thresholds=THRESHOLDS, queue_max_bytes=SHARD_ROOM * room, bundle_events=BUNDLE),
        mirror=mirror,
        shards=ShardDirectory(valkey),
        usage=KeyUsage(database),
        answers=IdempotencyAnswers(database, on_skipped=on_skipped),
        quotas=Quotas(database, valkey, scripts),
    )


@pytest.fixture
def door(database: Database, valkey: Valkey, mirror: AccountMirror, world: World) -> Door:
    skipped: list[None] = []
    admission = make_admission(database, valkey, mirror, lambda: skipped.append(None))
    return Door(admission, presented(world.alice.key), skipped)


@pytest.fixture
def clock(valkey: Valkey) -> Clock:
    """Noon, until a test turns it on."""
    return Clock(valkey)


@pytest.fixture
def turned_door(database: Database, valkey: Valkey, mirror: AccountMirror, world: World, clock: Clock) -> Door:
    """A door whose time is that of `clock`."""
    return Door(make_admission(database, valkey, mirror, clock=TURNABLE_CLOCK), presented(world.alice.key))


@pytest.fixture
def turned_circuits(valkey: Valkey, world: World, clock: Clock) -> Circuits:
    return Circuits(Scripts(valkey, clock=TURNABLE_CLOCK), ShardDirectory(valkey), thresholds=THRESHOLDS)


@pytest.fixture
def override(accounts: Accounts, world: World) -> Any:
    """Changes limits of Alice's account."""

    def change(**limits: Any) -> None:
        accounts.change("acme", AccountChange(overrides=Overrides(**limits)), datetime.now(UTC))

    return change
