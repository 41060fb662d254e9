"""The faults: what is broken, how, and when it counts as mended. Each is a small class with one verb.

`strike` breaks something of a running platform, waits until what it broke is back, and returns how many processes it has
killed. It raises `StrikeError` when it was not hit, because a fault that did not happen proves nothing, and when clients saw
something else than they must see while it lasted.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from app.cli.chaos.scene import StrikeError, check_none_accepted, check_noticed, wait_for
from app.core.failpoints import allow_hits
from app.platform import Role
from app.proc import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.cli.chaos.scene import Scene
    from app.platform import Platform

SERVING = "multiprocessing.spawn"
"""In the command line of every process that granian serves with."""
CRASH_LOOP_S = 6.0
"""A child that dies within 5.5 s of its start ends the whole API, which is another fault: granian calls it a crash loop."""
VALKEY_MARGIN_BYTES = 100_000
"""Room that a full Valkey is left: less than one second of load."""
QUIET_S = 2.0
"""Without a refusal for so long, shedding is over for the lanes of the load."""


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL of one process of a role at a random moment; it must come back by itself."""

    role: Role

    @property
    def about(self) -> str:
        return f"SIGKILL of {'a' if self.role is Role.WORKER else 'the'} {self.role}"

    def strike(self, scene: Scene) -> int:
        processes = scene.platform.processes(self.role)
        number = scene.random.randrange(len(processes))
        pid = scene.platform.kill(self.role, number)
        scene.platform.wait_replaced(processes[number], pid)
        return 1


@dataclass(frozen=True, slots=True)
class KillChild:
    """SIGKILL of one serving child of the API while its parent lives."""

    about: str = "SIGKILL of a child of the API"

    def strike(self, scene: Scene) -> int:
        serving = _settled(scene.platform)
        os.kill(scene.random.choice(serving), signal.SIGKILL)
        _wait_served(scene.platform, serving)
        return 0  # Its parent replaces it, not the supervisor.


@dataclass(frozen=True, slots=True)
class KillChildAt:
    """SIGKILL by a failpoint: a serving child of the API itself, at a named line of its code."""

    failpoint: str

    @property
    def about(self) -> str:
        return f"SIGKILL of a child of the API at {self.failpoint}"

    def strike(self, scene: Scene) -> int:
        serving = _settled(scene.platform)
        marker = scene.markers / self.failpoint
        before = _hits(marker)
        with armed(marker, before + 1):
            wait_for(lambda: _hits(marker) > before, f"Nobody came to {self.failpoint}.")
        _wait_served(scene.platform, serving)
        return 0


@dataclass(frozen=True, slots=True)
class KillAt:
    """SIGKILL by a failpoint: the worker itself, at a named line of its code."""

    failpoint: str

    @property
    def about(self) -> str:
        return f"SIGKILL of a worker at {self.failpoint}"

    def strike(self, scene: Scene) -> int:
        marker = scene.markers / self.failpoint
        workers = {process: process.pid for process in scene.platform.processes(Role.WORKER)}
        before = _hits(marker)
        with armed(marker, before + 1):
            wait_for(lambda: _hits(marker) > before, f"Nobody came to {self.failpoint}.")
        dead = {int(line.split()[-1]) for line in marker.read_text().splitlines()[before:]}
        for process, pid in workers.items():
            if pid in dead:
                scene.platform.wait_replaced(process, pid)
        return len(dead)


@dataclass(frozen=True, slots=True)
class Away:
    """An engine that is stopped for some seconds, and started again by its operator."""

    role: Role
    seconds: float
    noticed_as: tuple[str, ...] = ()
    """Refusals of which clients must see one meanwhile; none when they must not notice."""

    @property
    def about(self) -> str:
        return f"{self.role} away for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        (engine,) = scene.platform.processes(self.role)
        engine.stop()
        since = time.monotonic()
        try:
            time.sleep(self.seconds)
            if self.role is Role.VALKEY:
                check_none_accepted(scene, since)
            check_noticed(scene.load, since, *self.noticed_as)
        finally:
            engine.start()
            engine.wait_ready()
        return 0


@dataclass(frozen=True, slots=True)
class Full:
    """Valkey without memory: it refuses writes and evicts nothing."""

    seconds: float
    about: str = "valkey full (maxmemory reached)"

    def strike(self, scene: Scene) -> int:
        with redis.Redis.from_url(scene.platform.instance.redis_url) as client:
            limit = client.config_get("maxmemory")["maxmemory"]
            client.config_set("maxmemory", int(client.info("memory")["used_memory"]) - VALKEY_MARGIN_BYTES)
            since = time.monotonic()
            time.sleep(self.seconds)
            client.config_set("maxmemory", limit)
        # Before the next request is refused by Valkey itself, its memory is seen to run out, which sheds load.
        check_noticed(scene.load, since, "503 dependency-unavailable", "503 overloaded")
        wait_for(
            lambda: not scene.load.refusals_after(time.monotonic() - QUIET_S),
            "Load was still shed long after Valkey had room again.",
        )
        return 0


@contextmanager
def armed(marker: Path, hits: int) -> Iterator[None]:
    """Let a failpoint fire until its file has so many lines, and no more afterwards, also when nobody came to it."""
    allow_hits(marker, hits)
    try:
        yield
    finally:
        allow_hits(marker, 0)


def _settled(platform: Platform) -> list[int]:
    """The API's children that serve, none of them so young that its death would be taken for a crash loop."""
    serving = _serving(platform)
    if not serving:
        raise StrikeError("The API has no children that serve.")
    time.sleep(CRASH_LOOP_S)
    return serving


def _wait_served(platform: Platform, before: list[int]) -> None:
    """Wait until one of the children that were there before was replaced."""
    wait_for(
        lambda: len(_serving(platform)) == len(before) and _serving(platform) != before,
        "The child of the API was not replaced.",
    )


def _serving(platform: Platform) -> list[int]:
    """The API's children that serve; another one keeps track of what they share."""
    return [pid for pid in platform.pids(Role.API) if SERVING in command_line(pid)]


def _hits(marker: Path) -> int:
    return len(marker.read_text().splitlines()) if marker.exists() else 0
