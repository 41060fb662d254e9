"""Whether this process is up, and whether it is ready for work, with a reason for each dependency.

Every check has a deadline, runs on a thread of its own, and is not started again while its last run still waits. The report
is kept for a second, so that whoever asks a thousand times a second asks the dependencies once.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
import structlog

from app.core.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_log = structlog.get_logger(__name__)


class Status(StrEnum):
    """What is said of the whole process: degraded is ready, with something missing that it can do without."""

    READY = "ready"
    DEGRADED = "degraded"
    UNREADY = "unready"
    STOPPING = "stopping"


class CheckState(StrEnum):
    OK = "ok"
    FAILING = "failing"
    UNKNOWN = "unknown"
    """It depends on something that another check says is failing."""


class CheckReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said of one dependency."""

    status: CheckState
    detail: str | None = None


class ReadinessReport(msgspec.Struct, frozen=True):
    """What `/readyz` answers."""

    status: Status
    checks: dict[str, CheckReport]

    @property
    def http_status(self) -> int:
        """200 when work may be sent here, 503 when not."""
        return 200 if self.status in {Status.READY, Status.DEGRADED} else 503


class LivenessReport(msgspec.Struct, frozen=True):
    """What `/livez` answers: that this process answers."""

    status: str = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One dependency. `run` returns None when all is well, or what is not; it may raise `DependencyError`.

    Without a `required` one the process is degraded. `without_answer` is what it means that `run` could not find out.
    """

    name: str
    run: Callable[[], str | None]
    required: bool = True
    without_answer: CheckState = CheckState.FAILING


class _Runner:
    """Runs one check, never twice at once."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._thread: threading.Thread | None = None
        self._report = CheckReport(check.without_answer)

    def start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name=f"check-{self.check.name}", daemon=True)
            self._thread.start()

    def report(self, wait_s: float) -> CheckReport:
        if self._thread is not None:
            self._thread.join(max(0.0, wait_s))
            if self._thread.is_alive():
                return CheckReport(self.check.without_answer, "It gives no answer.")
        return self._report

    def _run(self) -> None:
        try:
            detail = self.check.run()
            self._report = CheckReport(CheckState.OK if detail is None else CheckState.FAILING, detail)
        except DependencyError as error:
            self._report = CheckReport(self.check.without_answer, error.detail)
        except Exception:  # noqa: BLE001 - A check that breaks is a failing one, and its thread must say so.
            _log.exception("check_broke", check=self.check.name)
            self._report = CheckReport(CheckState.FAILING, "The check itself failed; the log has the error.")


class Readiness:
    """The checks of one process. Thread-safe."""

    def __init__(
        self,
        checks: Sequence[Check],
        *,
        deadline_s: float = 1.0,
        keep_s: float = 1.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runners = [_Runner(check) for check in checks]
        self._deadline_s = deadline_s
        self._keep_s = keep_s
        self._timer = timer
        self._lock = threading.Lock()
        self._last: tuple[float, ReadinessReport] | None = None
        self._stopping = False

    def stop(self) -> None:
        """Say from now on that this process takes no new work, because it is about to end."""
        self._stopping = True

    def report(self) -> ReadinessReport:
        """Return the state of every dependency, at most a second old, within the deadline."""
        if self._stopping:
            return ReadinessReport(Status.STOPPING, {})
        # Who finds somebody at it takes the last report, and waits only for the very first.
        if not self._lock.acquire(blocking=self._last is None) and self._last is not None:
            return self._last[1]
        try:
            if self._last is None or self._timer() - self._last[0] >= self._keep_s:
                self._last = (self._timer(), self._check())
            return self._last[1]
        finally:
            self._lock.release()

    def _check(self) -> ReadinessReport:
        for runner in self._runners:
            runner.start()
        deadline = time.monotonic() + self._deadline_s
        checks = {runner.check.name: runner.report(deadline - time.monotonic()) for runner in self._runners}
        failing = [runner.check for runner in self._runners if checks[runner.check.name].status is CheckState.FAILING]
        if any(check.required for check in failing):
            return ReadinessReport(Status.UNREADY, checks)
        well = all(report.status is CheckState.OK for report in checks.values())
        return ReadinessReport(Status.READY if well else Status.DEGRADED, checks)
