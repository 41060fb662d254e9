"""One child process: how to start it, when it is ready, how to stop it; it never outlives this process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LEASH = Path(__file__).with_name("leash.py")
KILL_TIMEOUT_S = 10.0
POLL_S = 0.02
LONGEST_LOG = 64 * 1024**2

# The kernel's leash is tied to the thread that starts a child, not to its process. One thread that lives as long as the
# interpreter starts them all, so that a test's or a supervisor's thread may end without taking its children along.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class ProcessFailedError(RuntimeError):
    """A child ended, or was not ready in time; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class User:
    """The user and group a child runs as, when that is not this process's own."""

    uid: int
    gid: int


def _always_ready() -> bool:
    return True


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """Everything needed to start a child, again and again.

    argv: the first is a program's path or its name on PATH.
    env: the whole environment, or None for this process's own.
    ready: answers at once whether the child can serve; never raises.
    stop_signal: asks for an orderly end; also sent when this process dies without having asked.
    before_start: clears what a killed predecessor has left.
    log: the file that gets stdout and stderr (appended), or None for this process's own.
    keep_fds: open files the child holds as well, such as a lock.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    ready: Callable[[], bool] = _always_ready
    ready_timeout_s: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 30.0
    before_start: Callable[[], None] = _nothing
    log: Path | None = None
    user: User | None = None
    keep_fds: Sequence[int] = field(default=())


def leashed(argv: Sequence[str], *, death_signal: signal.Signals, user: User | None = None) -> list[str]:
    """Argv behind the leash: it gets `death_signal` when this process (or the thread that starts it) ends."""
    program = shutil.which(argv[0])
    if program is None:
        raise ProcessFailedError(f"There is no program {argv[0]}.")
    uid, gid = (str(user.uid), str(user.gid)) if user else ("-", "-")
    return [
        sys.executable,
        "-I",
        "-S",
        str(LEASH),
        str(os.getpid()),
        str(int(death_signal)),
        uid,
        gid,
        program,
        *argv[1:],
    ]


class Process:
    """A child that can be started, killed, restarted and stopped, from any thread."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self.wanted = False  # Whether it was started and not stopped: a supervisor restarts it then.
        self._popen: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._reaping = threading.Lock()

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def pid(self) -> int | None:
        """The child's process id, also after its death; None before the first start."""
        return self._popen.pid if self._popen else None

    @property
    def running(self) -> bool:
        """Whether the child lives. When it does not, the rest of its process group is killed before its id can be given away."""
        with self._reaping:
            if self._popen is None or self._popen.returncode is not None:
                return False
            if os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return True
            # Such as the workers of an HTTP server, or the rewriting child of Valkey.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.poll()
            return False

    def start(self) -> None:
        """Start the child unless it runs; does not wait until it is ready."""
        with self._lock:
            if not self.running:
                self.spec.before_start()
                self._popen = _spawner.submit(self._spawn).result()
            self.wanted = True  # Last, so that a supervisor does not take a start for a death.

    def start_again(self) -> None:
        """Start the child if it has died and nobody has stopped it."""
        with self._lock:
            if self.wanted:
                self.start()

    def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until the child is ready; raises ProcessFailedError when it ends or is too late."""
        deadline = time.monotonic() + (timeout_s or self.spec.ready_timeout_s)
        while not self.spec.ready():
            if not self.running:
                raise ProcessFailedError(f"{self.name} ended before it was ready.{self._log_tail()}")
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"{self.name} was not ready in time.{self._log_tail()}")
            time.sleep(POLL_S)

    def kill(self, signum: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the child itself; with SIGKILL, wait until it is gone."""
        if self._popen is not None and self.running:
            self._popen.send_signal(signum)
            if signum == signal.SIGKILL and not self._wait_gone(KILL_TIMEOUT_S):
                raise ProcessFailedError(f"{self.name} does not end, not even by SIGKILL.")

    def stop(self) -> None:
        """Ask for an orderly end, insist after `stop_timeout_s`, and leave no process of its group."""
        with self._lock:
            self.wanted = False
            self.kill(self.spec.stop_signal)
            self.kill(signal.SIGCONT)
            if not self._wait_gone(self.spec.stop_timeout_s):
                self.kill()

    def restart(self) -> None:
        """Stop in order, start, and wait until it is ready."""
        with self._lock:
            self.stop()
            self.start()
        self.wait_ready()

    def _spawn(self) -> subprocess.Popen[bytes]:
        spec = self.spec
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(_open_log(spec.log)) if spec.log else None
            return subprocess.Popen(
                leashed(spec.argv, death_signal=spec.stop_signal, user=spec.user),
                env=None if spec.env is None else dict(spec.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=tuple(spec.keep_fds),
            )

    def _wait_gone(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.running:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _log_tail(self) -> str:
        if self.spec.log is None or not self.spec.log.exists():
            return ""
        lines = self.spec.log.read_text(errors="replace").splitlines()[-8:]
        return "\n" + "\n".join(lines)


def _open_log(path: Path) -> BinaryIO:
    """A log to append to; a long one is put aside first."""
    if path.exists() and path.stat().st_size > LONGEST_LOG:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb")
