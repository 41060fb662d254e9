"""Whether processes need more and more: memory, descriptors and threads of each, and connections, measured at rest after each strike.

PostgreSQL, a process for each session, is measured as a whole. Of Valkey's descriptors the connections in use are left out.

A process that was killed begins anew, so a series is of one life. It rises by what its slope says over its length; the
slope is the median of those between all pairs (Theil and Sen), which one odd sample does not move.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

import redis

from app.cli.chaos.checker import Finding
from app.cli.chaos.nuisance_store import connections
from app.platform import Role
from app.proc import PROC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from app.platform import Platform

FEWEST = 8
"""Samples of a life below which it tells nothing."""


class Measure(StrEnum):
    MEMORY = "memory"
    DESCRIPTORS = "descriptors"
    THREADS = "threads"
    CONNECTIONS = "connections"


ALLOWED = {Measure.MEMORY: 64 * 1024**2, Measure.DESCRIPTORS: 24, Measure.THREADS: 24, Measure.CONNECTIONS: 8}
"""By how much a series may rise over a life: memory in bytes. Pools of threads and of connections fill up once: the API gets
as many threads as there are clients and readers at once, a worker has a pool of 8 connections (`app.core.pools`)."""
DESCRIPTORS = {Role.API: 112, Role.WORKER: 36}
"""For each of the 28 threads that an API may have more, two connections to Valkey: `app.core.valkey` has one a thread, and there
are two of them, the queue's and the cache's; 15 to PostgreSQL; and as many from clients and readers as there are, 42 at most (counted in
/proc: at the most 71 to the engines and 42 from clients, however long the run). A worker has ten to Valkey and eight to
PostgreSQL, each of them perhaps twice while they are replaced."""
LATELY_S = 60
"""A thread of the API ends after 30 s without a request (granian's blocking_threads_idle_timeout), and its connections with it:
a connection that nobody has used for longer than this is nobody's, or one of the few for what is done more rarely."""


@dataclass(frozen=True, slots=True)
class Life:
    """One measure of one process from its start to its end."""

    process: str
    pid: int
    measure: Measure


@dataclass(slots=True)
class Vitals:
    """Samples of one platform."""

    series: dict[Life, list[int]] = field(default_factory=dict)

    def note(self, platform: Platform) -> None:
        """Add a sample of every process that lives."""
        for role in Role:
            pids = platform.pids(role)
            if role is Role.POSTGRESQL:
                self._add(role, pids[0], measure_together(pids))
                continue
            for pid in pids[:1] if role is Role.VALKEY else pids:  # Valkey's child writes its log anew, and ends.
                with suppress(OSError):  # It has ended just now.
                    sample = _measure(pid)
                    if role is Role.VALKEY:
                        sample[Measure.DESCRIPTORS] -= used_within(LATELY_S, platform.instance.redis_url)
                    self._add(role, pid, sample)
        held = connections(platform.instance.database_url)
        self._add(Role.POSTGRESQL, 0, {Measure.CONNECTIONS: held})

    def _add(self, role: Role, pid: int, sample: Mapping[Measure, int]) -> None:
        for measure, value in sample.items():
            self.series.setdefault(Life(role, pid, measure), []).append(value)

    def lives(self) -> Iterator[tuple[Life, Sequence[int], float]]:
        """Every series that is long enough, with its rise."""
        for life, values in self.series.items():
            if len(values) >= FEWEST:
                yield life, values, rise(values)

    def findings(self) -> list[Finding]:
        """What is not flat."""
        rising = [
            f"{life.process} {life.pid}: {life.measure} {values[0]:,} to {values[-1]:,}, by its slope {risen:+,.0f}"
            for life, values, risen in self.lives()
            if risen > allowed(life)
        ]
        return [Finding("not flat", len(rising), tuple(rising[:5]))] if rising else []


def allowed(life: Life) -> int:
    """By how much its series may rise."""
    most = ALLOWED[life.measure]
    return DESCRIPTORS.get(Role(life.process), most) if life.measure is Measure.DESCRIPTORS else most


def used_within(seconds: int, redis_url: str) -> int:
    """How many of Valkey's connections are in use: pools grow and shrink with the load, and what is lost in them stays."""
    with redis.Redis.from_url(redis_url) as client:
        return sum(int(each["idle"]) <= seconds for each in client.client_list())


def rise(values: Sequence[int]) -> float:
    """By how much a series rises from its first sample to its last, by the median of all slopes."""
    slopes = [(later - earlier) / (j - i) for (i, earlier), (j, later) in combinations(enumerate(values), 2)]
    return median(slopes) * (len(values) - 1) if slopes else 0.0


def _measure(pid: int) -> dict[Measure, int]:
    """What one process has to itself. Raises `OSError` when it is gone."""
    process = PROC / str(pid)
    status = _fields(process / "status")
    return {
        Measure.MEMORY: _bytes(status["RssAnon"]),
        Measure.THREADS: int(status["Threads"]),
        Measure.DESCRIPTORS: sum(1 for _ in (process / "fd").iterdir()),
    }


def measure_together(pids: Sequence[int]) -> dict[Measure, int]:
    """The memory and threads of processes that share memory, the parent first, and the parent's descriptors.

    A page that several of them have is divided among them (Pss). What is shared by design, such as PostgreSQL's buffers, is
    not in it: its size is set when the server starts. Nor are the tables' files that sessions keep open, up to a limit of
    PostgreSQL's own (max_files_per_process).
    """
    total = Counter[Measure]()
    for pid in pids:
        with suppress(OSError):  # A session that has ended just now.
            sample = _measure(pid)
            memory = _bytes(_fields(PROC / str(pid) / "smaps_rollup")["Pss_Anon"])
            total.update({Measure.MEMORY: memory, Measure.THREADS: sample[Measure.THREADS]})
            if pid == pids[0]:
                total[Measure.DESCRIPTORS] = sample[Measure.DESCRIPTORS]
    return dict(total)


def _fields(path: Path) -> dict[str, str]:
    return dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)


def _bytes(kilobytes: str) -> int:
    return int(kilobytes.split(maxsplit=1)[0]) * 1024
