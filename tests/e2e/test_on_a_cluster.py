"""The real processes on a Valkey Cluster of three masters, one of which dies while a shard's slot moves to another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis.crc import key_slot

from app.cli.chaos.checker import check
from app.cli.chaos.crowd.drain import wait_empty
from app.cli.chaos.evidence_store import read_evidence
from app.cli.chaos.history import read_history
from app.cli.chaos.load import Account, Load, LoadOptions
from app.cli.chaos.runner import start_platform
from app.client import Link
from app.domain.shards import SHARDS, tag
from app.embedded.tuning import Profile
from app.platform import PROGRAM, PlatformOptions
from tests.cluster import MASTERS, master_of, running_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.platform import Platform
    from tests.cluster import Cluster

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]

SETTINGS = {"SLIPSTREAM_RECLAIM_AFTER_S": "1", "SLIPSTREAM_API_PROCESSES": "1", "SLIPSTREAM_API_THREADS": "16"}
LOAD = LoadOptions(clients=4, sizes=(1, 10, 50), pause_s=0.02)


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="slipstream-e2e-"))
    path.chmod(0o755)  # The engines' own user must be able to enter it.
    yield path
    shutil.rmtree(path)


def doctor(platform: Platform, url: str) -> dict[str, str]:
    """What the command finds, by name."""
    environment = {**os.environ, **platform.instance.environment, **SETTINGS, "SLIPSTREAM_REDIS_URL": url}
    argv = [*PROGRAM, "doctor", "--json"]
    told = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return {f"{found['subject']} {found['name']}": found["state"] for found in json.loads(told)}


def total(platform: Platform, account: Account) -> int:
    with Link(platform.base_url, key=account.key) as link:
        return int(link.call("GET", f"/accounts/{account.account_id}/summary?window=30d")["total"])


def test_what_was_accepted_on_all_shards_of_a_cluster_is_stored_once(
    directory: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    options = PlatformOptions(workers=2, profile=Profile.TEST, lived_s=0.0, settings=SETTINGS)
    with (
        running_cluster() as cluster,
        start_platform(directory, options, {"SLIPSTREAM_REDIS_URL": cluster.url}) as platform,
    ):
        accounts = [
            Account(name, platform.create_account(name, tier="enterprise", shard=shard))
            for shard, name in enumerate(f"account-{shard}" for shard in range(SHARDS))
        ]
        history = directory / "history"
        with Load(platform.base_url, accounts, directory=history, name="cluster", seed=7, options=LOAD) as load:
            for trouble in (_move_a_slot, _lose_a_master):
                trouble(cluster)
                mended = time.monotonic()
                eventually(lambda since=mended: load.accepted_since(since) > 50)  # type: ignore[misc]
            load.finish()
        assert wait_empty(cluster.url)
        evidence = read_evidence(platform.instance.database_url, cluster.url)
        told = read_history(history)

        assert check(told, evidence) == []
        assert {batch_id[:2] for batch_id in told.receipts} == {f"{shard:02d}" for shard in range(SHARDS)}
        eventually(lambda: all(total(platform, one) == evidence.rows.get(one.account_id, 0) for one in accounts))
        findings = doctor(platform, cluster.url)

    assert [name for name, state in findings.items() if state == "fail"] == []
    assert findings["valkey failover"] == "warn"


def _move_a_slot(cluster: Cluster) -> None:
    slot = key_slot(tag(3).encode())
    home = master_of(slot)
    cluster.move(slot, source=home, target=(home + 1) % MASTERS)


def _lose_a_master(cluster: Cluster) -> None:
    cluster.masters[1].kill()
    time.sleep(1.0)
    cluster.masters[1].start()
