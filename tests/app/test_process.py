from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.process import LEASH, Process, ProcessFailedError, ProcessSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Eventually = Callable[[Callable[[], object]], None]

ROOT = Path(__file__).resolve().parents[2]
PATIENT = ("sleep", "1000")


@pytest.fixture
def started() -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def start(*argv: str, **more: Any) -> Process:
        process = Process(ProcessSpec(name="child", argv=argv, **more))
        processes.append(process)
        process.start()
        return process

    yield start
    for process in processes:
        process.stop()


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def python(tmp_path: Path, program: str) -> tuple[str, ...]:
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(program))
    return (sys.executable, str(script))


def test_a_stopped_child_was_asked_to_end_in_order(started: Callable[..., Process], tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("ready", flush=True)
        signal.sigwait([signal.SIGTERM])
        print("in order", flush=True)
    """
    child = started(*python(tmp_path, program), log=log, ready=log.read_text)
    child.wait_ready()

    child.stop()

    assert not child.running
    assert log.read_text().splitlines() == ["ready", "in order"]


def test_a_child_that_does_not_listen_is_killed(started: Callable[..., Process], tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(1000)"
    child = started(*python(tmp_path, program), log=log, stop_timeout_s=0.1, ready=log.read_text)
    child.wait_ready()

    child.stop()

    assert not child.running


def test_a_frozen_child_is_stopped_too(started: Callable[..., Process]) -> None:
    child = started(*PATIENT)
    child.kill(signal.SIGSTOP)

    child.stop()

    assert not child.running


def test_a_restarted_child_is_another_process(started: Callable[..., Process]) -> None:
    child = started(*PATIENT)
    first = child.pid

    child.restart()

    assert child.running
    assert child.pid != first


def test_starting_a_running_child_changes_nothing(started: Callable[..., Process]) -> None:
    child = started(*PATIENT)
    first = child.pid

    child.start()

    assert child.pid == first


def test_only_a_child_that_nobody_stopped_is_started_again(started: Callable[..., Process]) -> None:
    child = started(*PATIENT)
    child.stop()

    child.start_again()

    assert not child.running


def test_what_clears_up_runs_before_every_start(started: Callable[..., Process]) -> None:
    calls: list[str] = []
    child = started(*PATIENT, before_start=lambda: calls.append("cleared"))

    child.kill()
    child.start_again()

    assert calls == ["cleared", "cleared"]


def test_the_rest_of_a_dead_child_s_group_dies_with_it(
    started: Callable[..., Process], tmp_path: Path, eventually: Eventually
) -> None:
    """As an HTTP server's workers would hold its port otherwise."""
    log = tmp_path / "log"
    program = "import subprocess, time; print(subprocess.Popen(['sleep', '1000']).pid, flush=True); time.sleep(1000)"
    child = started(*python(tmp_path, program), log=log, ready=lambda: log.read_text().endswith("\n"))
    child.wait_ready()
    grandchild = int(log.read_text())
    assert lives(grandchild)

    child.kill()

    eventually(lambda: not lives(grandchild))


def test_a_child_outlives_the_thread_that_started_it(
    started: Callable[..., Process], tmp_path: Path, eventually: Eventually
) -> None:
    """The kernel's leash would kill it when that thread ends."""
    log = tmp_path / "log"
    children: list[Process] = []

    def start() -> None:
        children.append(started("sh", "-c", "echo ready; sleep 0.2; echo alive; exec sleep 1000", log=log))
        eventually(lambda: "ready" in log.read_text())

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    eventually(lambda: "alive" in log.read_text() or not children[0].running)
    assert children[0].running


def test_a_child_dies_with_a_killed_parent(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    program = f"""
        import sys, time
        sys.path.insert(0, {str(ROOT)!r})
        from pathlib import Path
        from app.process import Process, ProcessSpec
        process = Process(ProcessSpec(name="child", argv=("sh", "-c", "echo ready; exec sleep 1000"), log=Path({str(log)!r})))
        process.start()
        print(process.pid, flush=True)
        time.sleep(1000)
    """
    with subprocess.Popen(python(tmp_path, program), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        eventually(lambda: "ready" in log.read_text())

        parent.kill()

    eventually(lambda: not lives(child))


def test_a_child_whose_parent_is_gone_before_it_starts_does_not_start() -> None:
    leash = (sys.executable, "-I", "-S", str(LEASH), "1", "15", "-", "-", "/bin/echo", "started")

    result = subprocess.run(leash, capture_output=True, text=True, check=False)

    assert result.returncode != 0
    assert result.stdout == ""


def test_a_child_that_ends_before_it_is_ready_says_what_it_said(
    started: Callable[..., Process], tmp_path: Path
) -> None:
    child = started("sh", "-c", "echo no room on the disk; exit 3", ready=lambda: False, log=tmp_path / "log")

    with pytest.raises(ProcessFailedError, match=r"child ended before it was ready(?s:.*)no room on the disk"):
        child.wait_ready()


def test_a_child_that_is_never_ready_is_given_up(started: Callable[..., Process]) -> None:
    child = started(*PATIENT, ready=lambda: False, ready_timeout_s=0.05)

    with pytest.raises(ProcessFailedError, match="not ready in time"):
        child.wait_ready()


def test_a_program_that_does_not_exist_is_named(started: Callable[..., Process]) -> None:
    with pytest.raises(ProcessFailedError, match="no program no-such-program"):
        started("no-such-program")
