"""The demo's own directory: what an earlier demo has left is gone on with, or removed where that is asked for, and nothing else ever is."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.clock import Clock
from app.embedded.binaries import EmbeddedError
from app.embedded.directory import DataDirectory
from app.embedded.service_user import service_user

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARKER = "demo"
"""The file that makes a directory a demo's own. It says when the demo's month ends, and by which clock its SLOs go."""
RATE = 60
"""A minute of the platform's SLOs in a second."""
_WRITTEN = "postgresql/pg_wal"
"""Its files say when the platform last wrote something."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A directory that is the demo's now. `goes_on` when the data of an earlier one are in it."""

    month_ends: datetime
    clock: Clock
    goes_on: bool


def claim(path: Path, *, now: datetime, fresh: bool, on_removal: Callable[[], None] = lambda: None) -> Claimed:
    """Make `path` a directory of the demo's own; `on_removal` is told before an earlier demo's data are removed.

    Events keep the times that they were first sent with, and the clock of SLOs never goes back. Raises `EmbeddedError` when it holds
    anything but a demo's data, or when an instance runs there.
    """
    if path.exists() and not path.is_dir():
        raise EmbeddedError(f"{path} is not a directory: give a new or empty one by --data.")
    is_ours = (path / MARKER).is_file()
    if not is_ours and path.is_dir() and any(path.iterdir()):
        raise EmbeddedError(f"{path} holds other files: give a new or empty directory by --data.")
    directory = DataDirectory(path, user=service_user())
    directory.prepare()
    directory.lock()
    try:
        claimed = None if fresh or not is_ours else _earlier(path)
        if claimed is None:
            if is_ours:
                on_removal()
                directory.clear(keep={MARKER})
            claimed = Claimed(now.replace(second=0, microsecond=0), Clock(RATE, time.time()), goes_on=False)
        content = {"month_ends": claimed.month_ends.isoformat(), "clock": str(claimed.clock)}
        directory.write_private(MARKER, json.dumps(content) + "\n")
    finally:
        directory.unlock()
    return claimed


def _earlier(path: Path) -> Claimed | None:
    """Return how to go on with an earlier demo; None when it left no data, or was of another version."""
    try:
        content = json.loads((path / MARKER).read_text())
        month_ends, clock = datetime.fromisoformat(content["month_ends"]), Clock.read(content["clock"])
        written = max(file.stat().st_mtime for file in (path / _WRITTEN).iterdir() if file.is_file())
    except (ValueError, LookupError, TypeError, OSError):
        return None
    now = time.time()
    ahead_s = max(0.0, clock.at(written) - now)
    return Claimed(month_ends.astimezone(UTC), Clock(RATE, now, ahead_s), goes_on=True)
