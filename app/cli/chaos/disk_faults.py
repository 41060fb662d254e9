"""A disk without room under PostgreSQL and Valkey: nothing is accepted that cannot be kept, and room is all they need to go on."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.chaos.scene import check_noticed, wait_for
from app.platform import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.cli.chaos.scene import Scene

DISK = "768m"
BACK_S = 60.0


@dataclass(frozen=True, slots=True)
class FullDisk:
    """Something else takes every byte of the disk that both engines write to."""

    seconds: float

    @property
    def about(self) -> str:
        return f"no room on the disk for {self.seconds:g} s"

    @staticmethod
    def missing() -> str | None:
        """What is not here that it needs, in words."""
        return None if os.geteuid() == 0 else "only root may mount a small disk (tmpfs)"

    def strike(self, scene: Scene) -> int:
        restarts = scene.platform.supervisor.restarts
        before = restarts.total()
        engines = [*scene.platform.processes(Role.POSTGRESQL), *scene.platform.processes(Role.VALKEY)]
        since = time.monotonic()
        with _ballast(scene.platform.instance.data_dir / "ballast"):
            time.sleep(self.seconds)
        check_noticed(scene.load, since, "503 dependency-unavailable", "503 overloaded", "504 timeout")
        for engine in engines:
            wait_for(lambda: engine.running and engine.spec.ready(), f"{engine.name} is not back.", timeout_s=BACK_S)  # noqa: B023 (it runs at once)
        return restarts.total() - before


@contextmanager
def small_disk(path: Path) -> Iterator[None]:
    """Mount a disk in memory at a new directory; only root may."""
    path.mkdir(mode=0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "slipstream-chaos", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@contextmanager
def _ballast(path: Path) -> Iterator[None]:
    """Take all room there is, and again what others give back meanwhile."""
    with path.open("wb") as file:
        try:
            _take(file.fileno())
            yield
        finally:
            path.unlink()


def _take(descriptor: int) -> None:
    """Take the room piece by piece, the pieces smaller and smaller."""
    piece, taken = 64 * 1024**2, 0
    while piece >= 4096:  # noqa: PLR2004 - a page, the smallest piece there is.
        try:
            os.posix_fallocate(descriptor, taken, piece)
            taken += piece
        except OSError:
            piece //= 2
