"""Every script of admission touches the keys of one hash tag only, so that all of it runs on a cluster."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.core.accounts_service import AccountChange, Accounts, NewAccount
from app.core.errors import DependencyError
from app.core.keys import TENANT_SCOPES
from app.core.keys_service import Keys
from app.core.mirror import AccountMirror
from app.core.problems import ProblemType
from app.core.shard_directory import ShardDirectory
from app.core.tiers import Overrides
from app.core.valkey import CommandError, Script, Valkey
from app.domain.shards import SHARDS
from app.embedded.binaries import find_binaries
from ingestion.admission.circuits import Circuits
from ingestion.admission.quotas import Quotas
from ingestion.admission.scripts import Scripts
from ingestion.summary.rate import SummaryRate
from ingestion.usage import Usages
from tests.ingestion.admission.conftest import THRESHOLDS, Door, batch, make_admission, presented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.core.database import Database

MASTERS = 3
SLOTS = 16_384


class Cluster(Valkey):
    """A client that sends each command to the master of its key. All keys of a command must be in one slot there."""

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(urls[0])
        self.masters = [Valkey(url, timeout_s=5.0) for url in urls]

    def execute(self, *command: str | bytes | float) -> Any:
        if command[0] == "SCRIPT":
            return [master.execute(*command) for master in self.masters].pop()
        key = command[3] if command[0] in {"EVALSHA", "EVAL"} else command[1]
        slot = self.masters[0].execute("CLUSTER", "KEYSLOT", key)
        return self.masters[slot * MASTERS // SLOTS].execute(*command)

    def pipeline(self, commands: Sequence[tuple[str | bytes | float, ...]]) -> list[Any]:
        return [self.execute(*command) for command in commands]

    def script(self, source: str) -> Script:
        return Script(self, source)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three masters, each with a third of the slots."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        ports = [_start(Path(directory), number, stack) for number in range(MASTERS)]
        cluster = Cluster([f"unix://{directory}/{number}.sock" for number in range(MASTERS)])
        for number, master in enumerate(cluster.masters):
            stack.callback(master.forget)
            _wait_until(lambda master=master: master.execute("PING"))  # type: ignore[misc]  # Bound at once.
            master.execute("CLUSTER", "ADDSLOTSRANGE", _first_slot(number), _first_slot(number + 1) - 1)
            for port, bus in ports[:number]:
                master.execute("CLUSTER", "MEET", "127.0.0.1", port, bus)
        _wait_until(lambda: all(_knows_all(master) for master in cluster.masters))
        yield cluster


def _first_slot(number: int) -> int:
    """The first slot of a master: that of the next in line when there is no such master."""
    return -(-SLOTS * number // MASTERS)


def _start(directory: Path, number: int, stack: ExitStack) -> tuple[int, int]:
    port, bus = _free_port(), _free_port()
    home = directory / str(number)
    home.mkdir()
    options = ["--port", str(port), "--cluster-port", str(bus), "--unixsocket", str(directory / f"{number}.sock")]
    server = subprocess.Popen(
        [find_binaries(None).valkey, *options, "--dir", home, "--save", "", "--cluster-enabled", "yes"],
        stdout=subprocess.DEVNULL,
    )
    stack.callback(server.wait)
    stack.callback(server.kill)
    return port, bus


def _knows_all(master: Valkey) -> bool:
    info = master.execute("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in info and f"cluster_slots_assigned:{SLOTS}" in info


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if condition():
                return
        except (DependencyError, CommandError):
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def doors(cluster: Cluster, database: Database) -> list[Door]:
    """A door for an account on each shard."""
    now = datetime.now(UTC)
    mirror = AccountMirror(database, cluster)
    accounts, keys = Accounts(database, mirror), Keys(database, mirror)
    admission = make_admission(database, cluster, mirror)
    doors = []
    for shard in range(SHARDS):
        account_id = f"a{shard}"
        limits = Overrides(daily_quota=100, events_burst=200)
        new = NewAccount(account_id=account_id, name="A", tier="standard", shard=shard, overrides=limits)
        accounts.create(new, now)
        doors.append(Door(admission, presented(keys.create(account_id, TENANT_SCOPES, now=now).text)))
    return doors


def test_limits_hold_on_every_shard_of_a_cluster(cluster: Cluster, doors: list[Door], database: Database) -> None:
    scripts, shards, now = Scripts(cluster), ShardDirectory(cluster), datetime.now(UTC)
    circuits = Circuits(scripts, shards, thresholds=THRESHOLDS)
    usages = Usages(
        scripts,
        database=database,
        mirror=AccountMirror(database, cluster),
        shards=shards,
        quotas=Quotas(database, cluster, scripts),
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
    cluster: Cluster, doors: list[Door], database: Database
) -> None:
    doors[0].admit(batch(events=60))
    accounts = Accounts(database, AccountMirror(database, cluster))

    for shard in range(1, SHARDS, 5):
        accounts.change("a0", AccountChange(shard=shard), datetime.now(UTC))
        assert doors[0].admit(batch(events=1)).batch_id.startswith(f"{shard:02d}")

    assert doors[0].refusal(batch(events=40)).limit == "daily_quota"
