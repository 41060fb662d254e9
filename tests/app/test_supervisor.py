from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from app.process import Process, ProcessFailedError, ProcessSpec
from app.supervisor import Supervisor, restart_delay_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Eventually = Callable[[Callable[[], object]], None]


def patient(name: str) -> ProcessSpec:
    return ProcessSpec(name=name, argv=("sleep", "1000"))


def diarist(name: str, diary: Path) -> ProcessSpec:
    """A process that writes down its start and its orderly end."""
    script = (
        f"trap 'echo {name} ends >> {diary}; exit' TERM; echo {name} starts >> {diary}; while :; do sleep 0.02; done"
    )
    return ProcessSpec(
        name=name,
        argv=("sh", "-c", script),
        ready=lambda: diary.exists() and f"{name} starts" in diary.read_text(),
    )


def test_what_dies_is_restarted_and_counted(eventually: Eventually) -> None:
    deaths: list[tuple[str, int]] = []
    with Supervisor(on_death=lambda name, pid: deaths.append((name, pid))) as supervisor:
        worker, other = supervisor.start(patient("worker"), patient("other"))
        first = worker.pid
        untouched = other.pid

        worker.kill()

        eventually(lambda: worker.running and worker.pid != first)
        eventually(lambda: supervisor.restarts == {"worker": 1})
    assert deaths == [("worker", first)]
    assert other.pid == untouched


def test_a_process_killed_by_anyone_comes_back(eventually: Eventually) -> None:
    with Supervisor() as supervisor:
        (worker,) = supervisor.start(patient("worker"))
        first = worker.pid
        assert first is not None

        os.kill(first, signal.SIGKILL)

        eventually(lambda: worker.running and worker.pid != first)


def test_restarts_come_at_once_and_then_later_and_later() -> None:
    assert [restart_delay_s(deaths) for deaths in range(1, 9)] == [0, 0.5, 1, 2, 4, 8, 10, 10]


def test_a_process_that_keeps_dying_is_tried_again(eventually: Eventually, tmp_path: Path) -> None:
    """The third life lasts."""
    lives = tmp_path / "lives"
    script = f"echo life >> {lives}; test $(wc -l < {lives}) -lt 3 && exit 1; exec sleep 1000"
    with Supervisor() as supervisor:
        (worker,) = supervisor.start(ProcessSpec(name="worker", argv=("sh", "-c", script)))

        eventually(lambda: supervisor.restarts["worker"] == 2 and worker.running)


def test_a_failing_callback_does_not_end_the_watch(eventually: Eventually) -> None:
    def fail(name: str, pid: int) -> None:
        raise RuntimeError(name)

    with Supervisor(on_death=fail) as supervisor:
        (worker,) = supervisor.start(patient("worker"))
        first = worker.pid

        worker.kill()

        eventually(lambda: worker.running and worker.pid != first)


def test_a_restart_that_fails_is_tried_again(eventually: Eventually) -> None:
    problems: list[OSError] = []

    def fail_once() -> None:
        if problems:
            raise problems.pop()

    with Supervisor() as supervisor:
        (worker,) = supervisor.start(ProcessSpec(name="worker", argv=("sleep", "1000"), before_start=fail_once))
        first = worker.pid
        problems.append(OSError("no memory"))

        worker.kill()

        eventually(lambda: worker.running and worker.pid != first)


def test_a_process_that_somebody_stops_stays_stopped(eventually: Eventually) -> None:
    with Supervisor() as supervisor:
        worker, witness = supervisor.start(patient("worker"), patient("witness"))
        first = witness.pid

        worker.stop()
        witness.kill()

        eventually(lambda: witness.running and witness.pid != first)
        assert not worker.running
        assert supervisor.restarts == {"witness": 1}


def test_a_planned_restart_is_not_a_death(eventually: Eventually) -> None:
    deaths: list[str] = []
    with Supervisor(on_death=lambda name, _pid: deaths.append(name)) as supervisor:
        worker, witness = supervisor.start(patient("worker"), patient("witness"))

        worker.restart()
        witness.kill()

        eventually(lambda: deaths)
        assert deaths == ["witness"]
        assert worker.running


def test_stages_start_in_order_and_stop_in_the_reverse_order(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    with Supervisor() as supervisor:
        supervisor.start(diarist("worker", diary))
        supervisor.start(diarist("api", diary))

    assert diary.read_text().splitlines() == ["worker starts", "api starts", "api ends", "worker ends"]


def test_what_others_have_started_is_restarted_and_left_running(eventually: Eventually) -> None:
    engine = Process(patient("engine"))
    engine.start()
    try:
        with Supervisor() as supervisor:
            supervisor.watch(engine)
            first = engine.pid
            engine.kill()
            eventually(lambda: engine.running and engine.pid != first)

        assert engine.running
    finally:
        engine.stop()


def test_a_stage_that_does_not_come_up_ends_everything(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    broken = ProcessSpec(name="broken", argv=("false",), ready=lambda: False)

    with pytest.raises(ProcessFailedError, match="broken"), Supervisor() as supervisor:
        supervisor.start(diarist("worker", diary))
        supervisor.start(broken)

    assert diary.read_text().splitlines() == ["worker starts", "worker ends"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_run_and_the_handlers_are_as_before(signum: signal.Signals, eventually: Eventually) -> None:
    before = signal.signal(signum, signal.default_int_handler)

    def send_when_heeded() -> None:
        eventually(lambda: signal.getsignal(signum) is not signal.default_int_handler)
        os.kill(os.getpid(), signum)

    try:
        with Supervisor() as supervisor:
            supervisor.start(ProcessSpec(name="worker", argv=("sleep", "1000")))
            threading.Thread(target=send_when_heeded).start()

            supervisor.run()

        assert signal.getsignal(signum) is signal.default_int_handler
    finally:
        signal.signal(signum, before)
