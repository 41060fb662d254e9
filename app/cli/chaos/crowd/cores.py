"""One core for the load and one for the platform, so that neither's work is mistaken for the other's slowness."""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.proc import TICK_US

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TAKEN = (0, 1, 2, 7)
"""user, nice, system and steal of proc_stat(5)."""
_TURNS = 100_000
"""Some milliseconds' worth of nothing."""


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


@contextmanager
def kept_busy(cores: frozenset[int]) -> Iterator[None]:
    """Let nothing of the lowest priority be done on these cores whenever they are idle.

    Two cores of a virtual machine are often two threads of one: then a load's core that works harder slows the platform's, and a
    run under load would look worse than the quiet one for that alone.
    """
    process = multiprocessing.get_context("spawn").Process(target=_spin, args=(cores, os.getpid()), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _spin(cores: frozenset[int], parent: int) -> None:
    pin(cores)
    os.nice(19)
    # A parent that is killed cannot end us.
    while os.getppid() == parent:
        for _ in range(_TURNS):
            pass


class Meter:
    """How much of some cores a platform could have had: all but what others took meanwhile. `used_us` is its own time so far."""

    def __init__(self, cores: frozenset[int], used_us: Callable[[], int]) -> None:
        self._cores = cores
        self._used_us = used_us
        self._since = time.monotonic()
        self._before = self._others_us()

    def share(self) -> float:
        """Return the share since the start, above 0 and up to 1."""
        elapsed_us = (time.monotonic() - self._since) * 1e6 * len(self._cores)
        return min(1.0, max(0.01, 1 - (self._others_us() - self._before) / elapsed_us))

    def _others_us(self) -> float:
        names = {f"cpu{core}" for core in self._cores}
        lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
        ticks = sum(int(line[1 + field]) for line in lines if line[0] in names for field in _TAKEN)
        return ticks * TICK_US - self._used_us()
