"""Named places where a test may kill, stall or fail the real process.

Enabled by `SLIPSTREAM_FAILPOINTS` alone: `name=action@path` separated by commas, where the action is `kill`
(SIGKILL to this process), `fail` (raises), or `sleep:SECONDS`, and the path is a file to which every hit appends a
line, so that a test can prove that it was hit. A failpoint fires as often as the file named `path.limit` says (default 1).
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path


class FailpointError(RuntimeError):
    """Raised by a failpoint whose action is `fail`."""


def _armed(specification: str) -> dict[str, tuple[str, Path]]:
    armed = {}
    for part in filter(None, specification.split(",")):
        name, _, rest = part.partition("=")
        action, _, path = rest.partition("@")
        armed[name] = (action, Path(path))
    return armed


_ARMED = _armed(os.environ.get("SLIPSTREAM_FAILPOINTS", ""))


def allow_hits(path: Path, hits: int) -> None:
    """Let a failpoint fire until its file has so many lines. Whoever reads at this moment reads the old limit or the new."""
    written = path.with_name(f"{path.name}.new")
    written.write_text(str(hits))
    written.replace(path.with_name(f"{path.name}.limit"))


def _takes_hit(name: str, path: Path) -> bool:
    """Note a hit if there is one left; two processes that come at once do not take the same."""
    limit_file = path.with_name(path.name + ".limit")
    limit = int(limit_file.read_text()) if limit_file.exists() else 1
    with path.open("a+") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        marker.seek(0)
        if len(marker.readlines()) >= limit:
            return False
        marker.write(f"{name} {os.getpid()}\n")
        marker.flush()
        os.fsync(marker.fileno())
    return True


def failpoint(name: str) -> None:
    """Do what the environment armed for `name`; nothing, in every process that nobody armed."""
    if not _ARMED or name not in _ARMED:
        return
    action, path = _ARMED[name]
    if not _takes_hit(name, path):
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
    else:
        raise FailpointError(name)
