"""Keeps processes alive: starts them in stages, restarts whatever dies, stops them in the reverse order.

    with Instance(data_dir).start() as instance, Supervisor() as supervisor:
        supervisor.watch(instance.valkey)       # the instance started it and will stop it
        supervisor.watch(instance.postgres)
        supervisor.start(worker_1, worker_2)    # returns when all of a stage are ready
        supervisor.start(api)
        supervisor.run()                        # until SIGTERM, SIGINT or SIGHUP
    # Here the API has stopped, then the workers, then the engines.

The watch is one thread's loop:

1. Look at every watched process that nobody has stopped.
2. A dead one is told to `on_death`, once, and gets a time to start again: at once the first time, later and later when it
   keeps dying, at once again when it has lived for a while.
3. Start what is due. Do not wait until it is ready: the others need watching too.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog

from app.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.process import ProcessSpec

POLL_S = 0.1
LONGEST_DELAY_S = 10.0
LIVED_S = 30.0
END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = structlog.get_logger(__name__)


def restart_delay_s(deaths: int) -> float:
    """Seconds before a restart after so many deaths in a row: 0, 0.5, 1, 2, 4, 8, then 10."""
    return 0.0 if deaths <= 1 else float(min(LONGEST_DELAY_S, 0.5 * 2 ** min(deaths - 2, 10)))


@dataclass(slots=True)
class _Watched:
    process: Process
    deaths: int = 0  # In a row.
    buried: int | None = None  # The process id whose death is already known.
    due: float = 0.0  # When to start it again; monotonic seconds.
    started: float = 0.0  # When it was last started; monotonic seconds.


class Supervisor:
    """A context manager; on leaving it, everything it has started is stopped, the last stage first.

    on_death: called from the watching thread with a dead process's name and process id; must not block.
    lived_s: a process that dies younger than this is restarted later and later.
    """

    def __init__(self, *, on_death: Callable[[str, int], None] | None = None, lived_s: float = LIVED_S) -> None:
        self.restarts = Counter[str]()
        self._on_death = on_death
        self._lived_s = lived_s
        self._watched: list[_Watched] = []
        self._stages: list[list[Process]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def watch(self, process: Process) -> None:
        """Restart a process that somebody else starts and stops, such as an engine."""
        self._watched.append(_Watched(process, started=time.monotonic()))

    def start(self, *specs: ProcessSpec) -> list[Process]:
        """Start a stage together and return when all of it is ready; raises ProcessFailedError."""
        stage = [Process(spec) for spec in specs]
        self._stages.append(stage)
        for process in stage:
            process.start()
        for process in stage:
            process.wait_ready()
            self.watch(process)
        return stage

    def run(self) -> None:
        """Return at the first signal that asks for an end, or after `end`; only in the main thread."""
        heeded = [signum for signum in END_SIGNALS if signal.getsignal(signum) is not signal.SIG_IGN]  # As nohup asks.
        previous = {signum: signal.signal(signum, lambda *_: self.end()) for signum in heeded}
        try:
            self._ended.wait()
        finally:
            for signum, handler in previous.items():
                signal.signal(signum, handler)

    def end(self) -> None:
        """Let `run` return."""
        self._ended.set()

    def stop(self) -> None:
        """End the watch, then stop what was started: the last stage first, the processes of a stage together."""
        self.end()
        self._thread.join()
        for stage in reversed(self._stages):
            stopping = [threading.Thread(target=process.stop) for process in stage]
            for thread in stopping:
                thread.start()
            for thread in stopping:
                thread.join()
        self._stages.clear()

    def _loop(self) -> None:
        while not self._ended.wait(POLL_S):
            for watched in tuple(self._watched):
                try:
                    self._look_at(watched, now=time.monotonic())
                except Exception:
                    log.exception("restart_failed", process=watched.process.name)
                    watched.deaths += 1
                    watched.due = time.monotonic() + restart_delay_s(watched.deaths)

    def _look_at(self, watched: _Watched, *, now: float) -> None:
        process = watched.process
        if process.running or not process.wanted or process.pid is None:
            return
        if watched.buried != process.pid:
            watched.buried = process.pid
            watched.deaths = 1 if now - watched.started > self._lived_s else watched.deaths + 1
            watched.due = now + restart_delay_s(watched.deaths)
            log.warning("process_died", process=process.name, pid=process.pid, deaths=watched.deaths)
            self._tell(process.name, process.pid)
        if now >= watched.due:
            process.start_again()
            watched.started = now
            self.restarts[process.name] += 1
            log.info("process_restarted", process=process.name, pid=process.pid)

    def _tell(self, name: str, pid: int) -> None:
        if self._on_death is not None:
            try:
                self._on_death(name, pid)
            except Exception:
                log.exception("on_death_failed", process=name, pid=pid)
