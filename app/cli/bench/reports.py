"""Measures how long a monthly report takes, from the first query to the last page of its PDF, and how much memory."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from app.cli.bench import reports_store
from app.cli.bench.reports_store import Month
from app.cli.bench.results import ReportRun
from app.core.database import Database
from app.core.telemetry.rollups import Rollups
from app.core.telemetry.telemetry_store import SERVICE
from app.platform import PROGRAM
from app.proc import process_tree
from reporting.reports.archive import last_period
from reporting.reports.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.platform import Platform

DAYS, ROUTES, TIERS, ACCOUNTS, INCIDENTS = 30, 6, 3, 500, 50
RUNS = 3
_PATIENCE_MS = 3_600_000
_LOOK_EVERY_S = 0.02


def measure_reports(platform: Platform, *, share: float, watch: Callable[[str], None]) -> ReportRun:
    """Write a report as `slipstream report` does, on a month of so large a share."""
    now = datetime.now(UTC)
    period = last_period(Kind.MONTHLY, "UTC", now)
    days = max(1, round(DAYS * share))
    accounts = max(1, round(ACCOUNTS * share))
    month = Month(period.end - timedelta(days=days), period.end, ROUTES, accounts, max(1, round(INCIDENTS * share)))
    database = Database(
        platform.instance.database_url, pool_size=2, statement_timeout_ms=_PATIENCE_MS, name="slipstream bench"
    )
    try:
        watch(f"a month of {days * 1_440 * ROUTES * TIERS:,} minute rows")
        reports_store.make_month(database, month)
        Rollups(database).add_up(now)
        reports_store.analyze(database)
    finally:
        database.close()
    watch("a report")
    seconds, cpu, memory, size = zip(*(_write(platform, period.name) for _ in range(RUNS)), strict=True)
    return ReportRun(
        rows=days * 1_440 * ROUTES * TIERS,
        accounts=accounts,
        incidents=month.incidents,
        seconds=median(seconds),
        cpu_s=median(cpu),
        memory_mb=max(memory),
        pdf_bytes=max(size),
    )


def _write(platform: Platform, period: str) -> tuple[float, float, float, int]:
    """Write the PDF once; return seconds, those of processors, the most megabytes held at once, and the PDF's size."""
    environment = {**os.environ, **platform.instance.environment}
    with tempfile.TemporaryDirectory(prefix="slipstream-bench-report-") as out:
        command = (*PROGRAM, "report", "monthly", "--period", period, "--timezone", "UTC", "--service", SERVICE)
        begun, begun_cpu = time.perf_counter(), _children_cpu_s()
        child = subprocess.Popen((*command, "--out", out), env=environment, stdout=subprocess.DEVNULL)
        most = 0.0
        while child.poll() is None:
            most = max(most, sum(_held_mb(pid) for pid in process_tree(child.pid)))
            time.sleep(_LOOK_EVERY_S)
        seconds = time.perf_counter() - begun
        if child.returncode:
            raise RuntimeError(f"slipstream report ended with status {child.returncode}")
        (pdf,) = Path(out).glob("*.pdf")
        return seconds, _children_cpu_s() - begun_cpu, most, pdf.stat().st_size


def _children_cpu_s() -> float:
    """Return the processor seconds of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _held_mb(pid: int) -> float:
    """Return the resident memory of a process, of what it shares its part alone; see proc_pid_smaps(5)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return 0.0  # It has just ended.
    return next((int(line.split()[1]) / 1_024 for line in lines if line.startswith("Pss:")), 0.0)
