"""Faults in which a server is there and does not do its part: frozen, locked, slow, full of others, or behind a bad network.

While they last a `Witness` sees to it that the API lives and answers everything within its deadline.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from app.cli.chaos.detour import DELAY_S, Detour, Way
from app.cli.chaos.nuisance_store import locked_tables, no_connections, slow_inserts, terminator
from app.cli.chaos.scene import StrikeError, check_none_accepted, check_noticed
from app.cli.chaos.witness import Witness
from app.freeze import frozen
from app.platform import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.cli.chaos.scene import Scene
    from app.embedded.instance import Instance

_REFUSALS = ("503 dependency-unavailable", "504 timeout")
_SOCKETS = {Role.POSTGRESQL: ".s.PGSQL.5432", Role.VALKEY: "valkey.sock"}


@dataclass(frozen=True, slots=True)
class Frozen:
    """SIGSTOP of an engine: it holds its connections and says nothing."""

    role: Role
    seconds: float

    @property
    def about(self) -> str:
        return f"SIGSTOP of {self.role} for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        (engine,) = scene.platform.processes(self.role)
        with Witness(scene), frozen(engine.pid or 0):
            since = time.monotonic()
            time.sleep(self.seconds)
            _check(scene, self.role, since)
        return 0


@dataclass(frozen=True, slots=True)
class LockedTables:
    """Somebody holds ACCESS EXCLUSIVE locks, as a migration by hand would."""

    seconds: float

    @property
    def about(self) -> str:
        return f"LOCK TABLE … ACCESS EXCLUSIVE for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        since = time.monotonic()
        with Witness(scene), locked_tables(scene.platform.instance.database_url):
            time.sleep(self.seconds)
        check_noticed(scene.load, since)
        return 0


@dataclass(frozen=True, slots=True)
class SlowInserts:
    """Every bundle takes 2 s longer to store."""

    seconds: float

    @property
    def about(self) -> str:
        return f"inserts slowed by pg_sleep for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        since = time.monotonic()
        with Witness(scene), slow_inserts(scene.platform.instance.database_url):
            time.sleep(self.seconds)
        check_noticed(scene.load, since)
        return 0


@dataclass(frozen=True, slots=True)
class NoConnections:
    """Others have all of PostgreSQL's connections, ours included."""

    seconds: float

    @property
    def about(self) -> str:
        return f"max_connections exhausted for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        since = time.monotonic()
        try:
            with Witness(scene), no_connections(scene.platform.instance.database_url):
                time.sleep(self.seconds)
        except TimeoutError as error:
            raise StrikeError(str(error)) from error
        check_noticed(scene.load, since)
        return 0


@dataclass(frozen=True, slots=True)
class BadNetwork:
    """All connections to an engine are lost, and new ones lead through a network that is bad in one way."""

    role: Role
    way: Way
    seconds: float

    @property
    def about(self) -> str:
        return f"network to {self.role} {self.way} for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        instance = scene.platform.instance
        socket = instance.run_dir / _SOCKETS[self.role]
        with Witness(scene), _cutter(instance, self.role) as cut, Detour(socket, self.way) as detour:
            if not cut():
                raise StrikeError(f"Nobody had a connection to {self.role}.")
            since = time.monotonic()
            time.sleep(self.seconds)
            _check_led(scene, detour, self.role)
            if self.way is Way.SLOW and self.role is Role.VALKEY:
                _check_slow(scene, since)
            else:
                _check(scene, self.role, since)
        return 0


def _check_led(scene: Scene, detour: Detour, role: Role) -> None:
    """Raise `StrikeError` unless both the API and the workers went this way: a bad network that nobody used proves nothing."""
    for who in (Role.API, Role.WORKER):
        if not detour.led.keys() & set(scene.platform.pids(who)):
            raise StrikeError(f"No connection of the {who} to {role} led through the bad network: {dict(detour.led)}")


def _check_slow(scene: Scene, since: float) -> None:
    """What is accepted over a slow network has been there and back; where all of it is too slow, clients are told."""
    took = [one.answered - one.asked for one in scene.load.acknowledged_since(since)]
    if not took:
        check_noticed(scene.load, since, *_REFUSALS)
    elif min(took) < 2 * DELAY_S:
        raise StrikeError(f"A client was told 202 in {min(took):.3f} s, sooner than Valkey can have been asked.")


def _check(scene: Scene, role: Role, since: float) -> None:
    """Without PostgreSQL clients notice nothing; without Valkey they are refused, and never falsely accepted."""
    if role is Role.POSTGRESQL:
        check_noticed(scene.load, since)
        return
    check_none_accepted(scene, since)
    check_noticed(scene.load, since, *_REFUSALS)


@contextmanager
def _cutter(instance: Instance, role: Role) -> Iterator[Callable[[], int]]:
    """Give what ends all connections to an engine and counts them, over one that is open already."""
    if role is Role.POSTGRESQL:
        with terminator(instance.database_url) as terminate:
            yield terminate
    else:
        with redis.Redis.from_url(instance.redis_url) as client:
            client.ping()
            yield lambda: int(client.client_kill_filter(_type="normal", skipme=True))
