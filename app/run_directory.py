"""Where the processes of `slipstream serve` note what they count: telemetry that outlives a kill, metrics that do not.

A directory of its own for each user and database, so that the next start finds what a killed one has not stored.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from app.core.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_METRICS = "metrics-"


def default_run_directory(database_url: str) -> Path:
    """Return the directory for this user and this database, made and closed to others; raises SettingsError."""
    ours = Path(tempfile.gettempdir()) / f"slipstream-run-{os.geteuid()}"
    database = make_url(database_url).set(password=None).render_as_string()
    directory = ours / sha256(database.encode()).hexdigest()[:16]
    for path in (ours, directory):
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
        closed = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
        if not closed or status.st_uid != os.geteuid():
            raise SettingsError([f"{path} is not a private directory of this user: set SLIPSTREAM_RUN_DIRECTORY."])
    return directory


@contextmanager
def metrics_directory(run: Path) -> Iterator[Path]:
    """A directory of this process's own for its metrics, while it runs; what killed processes have left is removed."""
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(run, wait=True):  # So that nobody takes a new directory for one that was left, before it is locked.
        for left in run.glob(f"{_METRICS}*"):
            with _locked(left, wait=False) as free:
                if free:
                    shutil.rmtree(left)
        own = Path(tempfile.mkdtemp(prefix=_METRICS, dir=run))
        fd = _lock(own, wait=True)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        os.close(fd)


@contextmanager
def _locked(directory: Path, *, wait: bool) -> Iterator[bool]:
    try:
        fd = _lock(directory, wait=wait)
    except (BlockingIOError, FileNotFoundError):  # Its process lives, or has just ended.
        yield False
        return
    try:
        yield True
    finally:
        os.close(fd)


def _lock(directory: Path, *, wait: bool) -> int:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(fd)
        raise
    return fd
