"""Every script of admission touches the keys of one hash tag only, so that all of it runs on a cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.accounts_service import AccountChange, Accounts, NewAccount
from app.core.keys import TENANT_SCOPES
from app.core.keys_service import Keys
from app.core.mirror import AccountMirror
from app.core.problems import ProblemType
from app.core.shard_directory import ShardDirectory
from app.core.tiers import Overrides
from app.core.valkey import Valkey
from app.domain.shards import SHARDS
from ingestion.admission.circuits import Circuits
from ingestion.admission.quotas import Quotas
from ingestion.admission.scripts import Scripts
from ingestion.summary.rate import SummaryRate
from ingestion.usage import Usages
from tests.ingestion.admission.conftest import THRESHOLDS, Door, batch, make_admission, presented

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.database import Database
    from tests.cluster import Cluster


@pytest.fixture
def valkey(cluster: Cluster) -> Iterator[Valkey]:
    valkey = Valkey(cluster.url, timeout_s=5.0)
    yield valkey
    valkey.forget()


@pytest.fixture
def doors(valkey: Valkey, database: Database) -> list[Door]:
    """A door for an account on each shard."""
    now = datetime.now(UTC)
    mirror = AccountMirror(database, valkey)
    accounts, keys = Accounts(database, mirror), Keys(database, mirror)
    admission = make_admission(database, valkey, mirror)
    doors = []
    for shard in range(SHARDS):
        account_id = f"a{shard}"
        limits = Overrides(daily_quota=100, events_burst=200)
        new = NewAccount(account_id=account_id, name="A", tier="standard", shard=shard, overrides=limits)
        accounts.create(new, now)
        doors.append(Door(admission, presented(keys.create(account_id, TENANT_SCOPES, now=now).text)))
    return doors


def test_limits_hold_on_every_shard_of_a_cluster(valkey: Valkey, doors: list[Door], database: Database) -> None:
    scripts, shards, now = Scripts(valkey), ShardDirectory(valkey), datetime.now(UTC)
    circuits = Circuits(scripts, shards, thresholds=THRESHOLDS)
    usages = Usages(
        scripts,
        database=database,
        mirror=AccountMirror(database, valkey),
        shards=shards,
        quotas=Quotas(database, valkey, scripts),
        thresholds=THRESHOLDS,
        bundle_events=5_000,
    )
    for shard, door in enumerate(doors):
        account_id = f"a{shard}"
        door.admit(batch(events=90), idempotency_key="order-66")
        assert door.admit(batch(events=90), idempotency_key="order-66").replayed
        assert door.refusal(batch(events=11)).type is ProblemType.QUOTA_EXCEEDED
        assert door.refusal(batch(events=201)).type is ProblemType.RATE_LIMIT_EXCEEDED
        for _ in range(2 * THRESHOLDS.minimum):
            circuits.bad(account_id, now, cause="malformed-json")
        assert door.refusal().type is ProblemType.CIRCUIT_OPEN
        usage = usages.of(account_id, now)
        assert usage is not None
        assert (usage.circuit.state, usage.quotas.daily_quota.used, usage.queue.shard) == ("open", 90, shard)
        assert SummaryRate(scripts, shards).take(account_id, now).left == 599


def test_a_move_between_masters_takes_along_what_was_used(
    valkey: Valkey, doors: list[Door], database: Database
) -> None:
    doors[0].admit(batch(events=60))
    accounts = Accounts(database, AccountMirror(database, valkey))

    for shard in range(1, SHARDS, 5):
        accounts.change("a0", AccountChange(shard=shard), datetime.now(UTC))
        assert doors[0].admit(batch(events=1)).batch_id.startswith(f"{shard:02d}")

    assert doors[0].refusal(batch(events=40)).limit == "daily_quota"
