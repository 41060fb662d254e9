"""A report as files of every format. Charts and pages are made in a process of its own, with limits on time and memory.

The limit is on resident memory, seen from outside: the engine of charts reserves 67 GB of addresses and uses a thousandth.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from reporting.reports.archive import Format, Paper, Rendered
from reporting.reports.as_csv import csv_archive
from reporting.reports.as_json import to_json
from reporting.reports.figure_set import figures_of
from reporting.reports.first_page import first_page
from reporting.reports.pages import page
from reporting.reports.render_process import Order, Outcome, words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reporting.reports.model import Report

_CHILD = "reporting.reports.render_process"
_HANDED_DOWN = ("PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE")
"""What finds libraries and fonts, and no setting or secret."""
_LOOK_EVERY_S = 0.05
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_RESIDENT = 1
"""The second number of /proc/<pid>/statm; see proc_pid_statm(5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What rendering may take: a large report takes 3 s and 250 MB, and more time on a busy machine."""

    seconds: float = 90.0
    memory_bytes: int = 512 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the child ended. `reason` is empty when it did all it was told."""

    outcome: Outcome
    reason: str


DEFAULT = Limits()
log = structlog.get_logger(__name__)


def renderings(
    report: Report, formats: Collection[Format], paper: Paper = Paper.A4, *, pages: str = "", limits: Limits = DEFAULT
) -> Rendered:
    """Return a report in the formats asked for; only a PDF can be missing. The same report makes the same bytes.

    `pages` is where reports have their pages on the web, of which the mail links to this one's.
    """
    files: dict[Format, bytes] = {}
    if Format.JSON in formats:
        files[Format.JSON] = to_json(report)
    if Format.CSV in formats:
        files[Format.CSV] = csv_archive(report)
    if Format.MAIL in formats:
        files[Format.MAIL] = first_page(report, address=f"{pages}/{report.report_id}" if pages else "").encode()
    documents = tuple(each for each in (Format.HTML, Format.PDF) if each in formats)
    if not documents:
        return Rendered(files=files, missing={})
    with tempfile.TemporaryDirectory(prefix="slipstream-report-") as name:
        directory = Path(name)
        order = Order(report=report, formats=documents, paper=paper, directory=name)
        ended = run_child((), msgspec.json.encode(order), directory, limits)
        files |= {each: (directory / each).read_bytes() for each in documents if (directory / each).exists()}
    if Format.HTML in documents and Format.HTML not in files:
        # The words of the charts need no library, and a report without pictures is better than none.
        files[Format.HTML] = page(report, figures_of(report).each(words)).encode()
    if ended.outcome.charts:
        log.warning("report_without_charts", report_id=report.report_id, reason=ended.outcome.charts)
    missing = {each: ended.outcome.pdf or ended.reason for each in documents if each not in files}
    return Rendered(files=files, missing=missing)


def run_child(arguments: Sequence[str], order: bytes, directory: Path, limits: Limits) -> Ended:
    """Run the process that renders, and end it when it takes more than it may."""
    given, said = directory / "order", directory / "outcome"
    given.write_bytes(order)
    environment = {name: os.environ[name] for name in _HANDED_DOWN if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "TZ": "UTC", "LANG": "C.UTF-8"}
    with given.open("rb") as stdin, said.open("wb") as stdout:
        child = subprocess.Popen(
            [sys.executable, "-m", _CHILD, *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
        )
        try:
            reason = _watch(child, limits)
        finally:
            child.kill()
            child.wait()
    if reason:
        return Ended(outcome=Outcome(), reason=reason)
    try:
        return Ended(outcome=msgspec.json.decode(said.read_bytes(), type=Outcome), reason="")
    except msgspec.MsgspecError:
        return Ended(outcome=Outcome(), reason=f"the process that renders ended with status {child.returncode}")


def _watch(child: subprocess.Popen[bytes], limits: Limits) -> str:
    """Wait for the child; return why it must end, or nothing when it has ended by itself."""
    deadline = time.monotonic() + limits.seconds
    while True:
        try:
            child.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                return f"rendering took longer than {limits.seconds:g} s"
            if _resident_bytes(child.pid) > limits.memory_bytes:
                return f"rendering took more than {limits.memory_bytes // 1024**2} MB of memory"
        else:
            return ""


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[_RESIDENT]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0  # It has just ended, or this is no Linux: then the limit on time remains.
