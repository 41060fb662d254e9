"""Metrics of several processes as one: each counts in files of its own, and any of them adds all files up.

prometheus_client decides at its import whether it counts in memory or in files, so `prepare` comes before that.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LIVE_GAUGES = re.compile(r"gauge_live[a-z]+_(\d+)\.db")


def prepare(directory: Path, environ: MutableMapping[str, str]) -> None:
    """Let this process's children count together in a directory, from zero; `environ` is what they inherit."""
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client is imported already, and counts in memory")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in directory.glob("*.db"):
        left.unlink(missing_ok=True)
    environ[VARIABLE] = str(directory)


def directory(environ: MutableMapping[str, str]) -> Path | None:
    """Return where this process counts; None when it counts in memory."""
    path = environ.get(VARIABLE)
    return Path(path) if path else None


def forget_dead(path: Path) -> None:
    """Remove the gauges of processes that are gone. Their counters stay: a counter must never fall."""
    for file in path.iterdir():
        match = _LIVE_GAUGES.fullmatch(file.name)
        if match and not _alive(int(match[1])):
            file.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
