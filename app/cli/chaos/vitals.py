"""Whether processes need more and more: memory, descriptors and threads of each, and connections, measured at rest after each strike.

A process that was killed begins anew, so a series is of one life. It rises by what its slope says over its length; the
slope is the median of those between all pairs (Theil and Sen), which one odd sample does not move.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

from app.cli.chaos.checker import Finding
from app.cli.chaos.nuisance_store import connections
from app.platform import Role
from app.proc import PROC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from app.platform import Platform

FEWEST = 8
"""Samples of a life below which it tells nothing."""


class Measure(StrEnum):
    MEMORY = "memory"
    DESCRIPTORS = "descriptors"
    THREADS = "threads"
    CONNECTIONS = "connections"


ALLOWED = {Measure.MEMORY: 64 * 1024**2, Measure.DESCRIPTORS: 64, Measure.THREADS: 24, Measure.CONNECTIONS: 6}
"""By how much a series may rise over a life: memory in bytes. Pools of threads and of connections fill up once:
a thread of the API holds a connection to Valkey, and it gets as many threads as there are clients and readers at once."""


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
            if role in {Role.POSTGRESQL, Role.VALKEY}:
                pids = pids[:1]
            for pid in pids:
                with suppress(OSError):  # It has ended just now.
                    for measure, value in _measure(PROC / str(pid)):
                        self.series.setdefault(Life(role, pid, measure), []).append(value)
        held = Life(Role.POSTGRESQL, 0, Measure.CONNECTIONS)
        self.series.setdefault(held, []).append(connections(platform.instance.database_url))

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
            if risen > ALLOWED[life.measure]
        ]
        return [Finding("not flat", len(rising), tuple(rising[:5]))] if rising else []


def rise(values: Sequence[int]) -> float:
    """By how much a series rises from its first sample to its last, by the median of all slopes."""
    slopes = [(later - earlier) / (j - i) for (i, earlier), (j, later) in combinations(enumerate(values), 2)]
    return median(slopes) * (len(values) - 1) if slopes else 0.0


def _measure(process: Path) -> Iterator[tuple[Measure, int]]:
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    yield Measure.MEMORY, int(status["RssAnon"].split()[0]) * 1024
    yield Measure.THREADS, int(status["Threads"])
    yield Measure.DESCRIPTORS, sum(1 for _ in (process / "fd").iterdir())
