"""A backup that is taken under load, and what is left of it when it is brought back elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.evidence_store import events_in_queue, read_evidence
from app.cli.chaos.history import read_history
from app.cli.chaos.load import Load, LoadOptions
from app.core.database import Database
from app.core.valkey import Valkey
from app.embedded.tuning import Profile
from app.platform import Platform, PlatformOptions, Role
from ingestion.balance import balance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.cli.chaos.runner import Stage

PROGRAM = (sys.executable, "-m", "app.cli.main")


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="slipstream-e2e-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def slipstream(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPSTREAM_")}
    argv = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def signal_workers(stage: Stage, signum: signal.Signals) -> None:
    for pid in stage.platform.pids(Role.WORKER):
        os.kill(pid, signum)


def test_a_backup_under_load_has_every_event_with_a_202_from_before_it(
    stage: Stage, directory: Path, eventually: Callable[..., None]
) -> None:
    platform, history = stage.platform, stage.directory / "history"
    load = Load(
        platform.base_url,
        stage.accounts,
        directory=history,
        name="backup",
        seed=1,
        options=LoadOptions(clients=2, sizes=(1, 10, 50), pause_s=0.02),
    )
    with load:
        eventually(lambda: len(load.acknowledged_batches()) > 20)
        # Stopped with something in hand, and more behind it in the queue.
        signal_workers(stage, signal.SIGSTOP)
        before = len(load.acknowledged_batches())
        eventually(lambda: len(load.acknowledged_batches()) > before + 20)
        promised, at = read_history(history).acknowledged, time.monotonic()
        taken = slipstream("backup", directory / "copy", "--data", platform.instance.data_dir, "--json")
        signal_workers(stage, signal.SIGCONT)
        assert taken.returncode == 0, taken.stderr
        assert json.loads(taken.stdout)["queued_events"] > 0
        assert load.first_accepted_after(at) is not None
        load.finish(60.0)

    restored = slipstream("restore", directory / "copy", "--data", directory / "data")
    assert restored.returncode == 0, restored.stderr

    with Platform(directory / "data", PlatformOptions(workers=1, profile=Profile.TEST)).start() as again:
        valkey = Valkey(again.instance.redis_url, timeout_s=5.0)
        eventually(lambda: events_in_queue(valkey) == 0)
        evidence = read_evidence(again.instance.database_url, again.instance.redis_url)
        database = Database(again.instance.database_url, pool_size=1)
        books = balance(database, valkey)
        database.close()
        valkey.forget()
    stored = {(account_id, event_id) for account_id, ids in evidence.stored.items() for event_id in ids}
    assert sum(map(len, promised.values())) > 20
    assert not {(account_id, event_id) for account_id, ids in promised.items() for event_id in ids} - stored
    assert evidence.rows == {account_id: len(ids) for account_id, ids in evidence.stored.items()}
    assert not evidence.rollup_differences
    assert not evidence.dead_letters
    assert (books.missing, books.in_flight) == (0, 0)
    assert books.stored == len(stored)
