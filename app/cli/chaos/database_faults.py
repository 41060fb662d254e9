"""Faults of PostgreSQL beside its sudden death: ended at once, sessions ended in a loop, deadlocks, an fsync that fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.chaos.nuisance_store import lock_backwards, terminate_all
from app.cli.chaos.scene import StrikeError, check_noticed, wait_for
from app.cli.chaos.witness import Witness
from app.embedded.engines import APPLICATION
from app.platform import Role

if TYPE_CHECKING:
    from app.cli.chaos.scene import Scene

PANIC = "PANIC:"


@dataclass(frozen=True, slots=True)
class QuitPostgres:
    """SIGQUIT: PostgreSQL ends at once without a checkpoint, and recovers from its log when it is started again."""

    about: str = "SIGQUIT of postgresql (immediate shutdown)"

    def strike(self, scene: Scene) -> int:
        (engine,) = scene.platform.processes(Role.POSTGRESQL)
        pid = engine.pid or 0
        os.kill(pid, signal.SIGQUIT)
        scene.platform.wait_replaced(engine, pid)
        return 1


@dataclass(frozen=True, slots=True)
class EndedSessions:
    """All sessions are ended several times a second; clients notice nothing, and nothing is stored twice."""

    seconds: float

    @property
    def about(self) -> str:
        return f"pg_terminate_backend of every session in a loop for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        since = time.monotonic()
        with Witness(scene):
            ended = terminate_all(scene.platform.instance.database_url, self.seconds, 0.3)
        if not ended:
            raise StrikeError("There was no session to end.")
        check_noticed(scene.load, since)
        return 0


@dataclass(frozen=True, slots=True)
class Deadlocks:
    """Somebody locks the rows that workers write in the other order, and workers are the victims."""

    seconds: float

    @property
    def about(self) -> str:
        return f"deadlocks (40P01) with workers as victims for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        since = time.monotonic()
        if not lock_backwards(scene.platform.instance.postgres.url(APPLICATION, superuser=True), self.seconds):
            raise StrikeError("There was no deadlock.")
        check_noticed(scene.load, since)
        return 0


@dataclass(frozen=True, slots=True)
class FailingSync:
    """The disk fails PostgreSQL's next fsync: it panics rather than go on, and recovers from its log."""

    about: str = "fsync of postgresql fails with EIO (strace)"

    @staticmethod
    def missing() -> str | None:
        """What is not here that it needs, in words."""
        return None if shutil.which("strace") else "strace is not installed"

    def strike(self, scene: Scene) -> int:
        (engine,) = scene.platform.processes(Role.POSTGRESQL)
        log = engine.spec.log
        if log is None:
            raise StrikeError("PostgreSQL has no log.")
        before = log.read_text(errors="replace").count(PANIC)
        calls = "fsync,fdatasync"
        pids = [part for pid in scene.platform.pids(Role.POSTGRESQL) for part in ("-p", str(pid))]
        command = ["strace", "-f", "-qq", "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO:when=1", *pids]
        tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: log.read_text(errors="replace").count(PANIC) > before, "PostgreSQL did not panic.")
        finally:
            tracer.send_signal(signal.SIGINT)  # It lets go of what it traces.
            tracer.wait()
        wait_for(engine.spec.ready, "PostgreSQL did not recover.")
        return 0
