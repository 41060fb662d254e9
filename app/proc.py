"""What the kernel says of processes: who descends from whom, and how much processor time they have used."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat after the name, counted from the state; see proc_pid_stat(5).
STATE, PARENT = 0, 1
TIMES = slice(
    11, 15
)  # utime, stime, cutime, cstime in ticks: the latter two of children that ended and were waited for.
DEAD = "ZX"


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # The name may hold anything, parentheses too.
    return None if fields[STATE] in DEAD else fields


def process_tree(pid: int) -> list[int]:
    """The process and all its living descendants, parents first; empty when it is gone."""
    if _stat(pid) is None:
        return []
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[PARENT]), []).append(int(entry.name))
    tree = [pid]
    for parent in tree:
        tree.extend(sorted(children.get(parent, ())))
    return tree


def command_line(pid: int) -> str:
    """How the process was started, with blanks between the arguments; empty when it is gone."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def tree_cpu_us(pid: int) -> int:
    """Processor time in microseconds of a process and all its descendants, also of those that have ended, in steps of a tick (10 ms)."""
    times = [fields[TIMES] for member in process_tree(pid) if (fields := _stat(member)) is not None]
    return sum(int(ticks) for four in times for ticks in four) * TICK_US
