from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.queue.sacrifice import Ending, Sacrifice, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def run(payload: str, time_limit_s: float = 60.0, target: str = "suspects:make", **options: object) -> Verdict:
    sacrifice = Sacrifice(target, time_limit_s=time_limit_s, mourning_s=0.0)
    return sacrifice.run(payload.encode(), lambda: False, **options)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A zombie that nobody has waited for is as dead as it gets.
    return state != "Z"


@pytest.mark.parametrize("target", ["suspects:make", "suspects:ready"], ids=["factory", "object"])
def test_innocent_work_is_done_in_another_process(tmp_path: Path, target: str) -> None:
    verdict = run(f"write {tmp_path / 'pid'}", target=target)

    assert verdict == Verdict(Ending.DONE)
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_what_it_raises_is_told() -> None:
    verdict = run("raise too long")

    assert verdict.ending is Ending.RAISED
    assert verdict.reason.startswith("ValueError: too long\n")


def test_a_dependency_that_is_away_is_no_fault_of_the_suspect() -> None:
    assert run("away today", pause_on=(ConnectionError,)).ending is Ending.AWAY
    assert run("away today").ending is Ending.RAISED


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("kill", "its process died (signal SIGKILL)"),
        ("segfault", "its process died (signal SIGSEGV)"),
        ("exit 0", "its process died (exit status 0)"),
        ("exit 3", "its process died (exit status 3)"),
    ],
)
def test_a_death_is_told_with_its_cause(payload: str, reason: str) -> None:
    assert run(payload) == Verdict(Ending.DIED, reason)


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    verdict = run(f"hang {tmp_path / 'pid'}", time_limit_s=3.0)

    assert verdict == Verdict(Ending.HUNG, "its process hung for more than 3 s")
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_target_that_cannot_be_imported_is_told() -> None:
    verdict = run("write nothing", target="no_such_module:make")

    assert verdict.ending is Ending.RAISED
    assert "No module named 'no_such_module'" in verdict.reason


def test_a_stopping_worker_abandons_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    sacrifice = Sacrifice("suspects:make")

    verdict = sacrifice.run(f"hang {pid_file}".encode(), pid_file.exists)

    assert verdict == Verdict(Ending.ABANDONED)


def test_nobody_is_blamed_when_the_worker_is_told_to_stop_while_it_mourns(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    sacrifice = Sacrifice("suspects:make", mourning_s=60.0)

    def is_stopping() -> bool:
        return pid_file.exists() and bool(pid := pid_file.read_text()) and not is_alive(int(pid))

    verdict = sacrifice.run(f"kill {pid_file}".encode(), is_stopping)

    assert verdict == Verdict(Ending.ABANDONED)


def test_a_child_does_not_outlive_its_witness(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from app.core.queue.sacrifice import Sacrifice\n"
        f"Sacrifice('suspects:make').run(b'hang {pid_file}', lambda: False)"
    )
    witness = subprocess.Popen([sys.executable, "-c", program])
    wait_for(lambda: pid_file.exists() and bool(pid_file.read_text()))

    witness.send_signal(signal.SIGKILL)
    witness.wait()

    wait_for(lambda: not is_alive(int(pid_file.read_text())))
