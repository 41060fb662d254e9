"""One core for the load and one for the platform, so that neither's work is mistaken for the other's slowness."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Cores:
    """Numbers of cores. On a machine with one core both are that one, and `apart` is False."""

    load: frozenset[int]
    platform: frozenset[int]

    @property
    def apart(self) -> bool:
        return self.load != self.platform


def two_cores() -> Cores:
    """Return the first of the cores that this process may use for the load, and the next one for the platform."""
    available = sorted(os.sched_getaffinity(0))
    return Cores(frozenset(available[:1]), frozenset(available[1:2] or available[:1]))


def pin(cores: frozenset[int]) -> None:
    """Keep this process, with all its threads and whatever they start from now on, on these cores."""
    for task in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except ProcessLookupError:
            continue  # It ended meanwhile.


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Keep this process on these cores for a while."""
    before = frozenset(os.sched_getaffinity(0))
    pin(cores)
    try:
        yield
    finally:
        pin(before)
