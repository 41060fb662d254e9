from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

PROGRAM = """
import multiprocessing, os, time
from app.cli.chaos.crowd.cores import kept_busy

if __name__ == "__main__":
    with kept_busy(frozenset(os.sched_getaffinity(0))):
        print(multiprocessing.active_children()[0].pid, flush=True)
        time.sleep(60)
"""


def runs(pid: str) -> bool:
    stat = Path("/proc", pid, "stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_nothing_stays_busy_after_a_command_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "busy.py"
    script.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        busy = command.stdout.readline().strip()
        command.kill()

    until = time.monotonic() + 30
    while runs(busy) and time.monotonic() < until:
        time.sleep(0.05)

    assert not runs(busy)
