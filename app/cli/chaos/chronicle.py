"""The history of a run, a JSON object a line, on disk as it happens: who ran where, every strike, every alert, every life.

It is what the tables are made from, so a table can be made again from the file alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec

from app.cli.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.cli.chaos.burns import Told
    from app.cli.chaos.checker import Finding
    from app.cli.chaos.runner import Report
    from app.cli.chaos.vitals import Life


class RunLine(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """What was asked for, and where."""

    at: str
    seed: int
    command: str
    version: str
    machine: Machine


class StrikeLine(msgspec.Struct, frozen=True, kw_only=True, tag="strike"):
    """One strike; the numbers are of its own clients. Times are seconds from the mending on, null for never.

    longest_gap_s: in which no client had a 202; null where it was not measured.
    """

    fault: str
    round: int
    requests: int = 0
    acknowledged: int = 0
    stored: int = 0
    duplicates: int = 0
    dead: int = 0
    answers: dict[str, int] = {}
    slowest_ms: int = 0
    first_202_s: float | None = None
    drain_s: float | None = None
    longest_gap_s: float | None = None
    findings: tuple[str, ...] = ()
    directory: str | None = None

    @classmethod
    def of(cls, fault: str, number: int, report: Report) -> StrikeLine:
        struck = report.rounds[0] if report.rounds else None
        return cls(
            fault=fault,
            round=number,
            requests=report.requests,
            acknowledged=report.acknowledged,
            stored=report.stored,
            duplicates=report.duplicates,
            dead=report.dead,
            answers=dict(report.answers),
            slowest_ms=report.slowest_ms,
            first_202_s=struck.to_first_202_s if struck else None,
            drain_s=struck.to_drain_s if struck else None,
            longest_gap_s=report.longest_gap_s,
            findings=tuple(map(str, report.findings)),
            directory=str(report.directory) if report.findings else None,
        )

    @classmethod
    def of_findings(cls, fault: str, number: int, directory: Path, findings: Sequence[Finding]) -> StrikeLine:
        """What was found out otherwise than by a strike."""
        return cls(fault=fault, round=number, findings=tuple(map(str, findings)), directory=str(directory))


class AlarmLine(msgspec.Struct, frozen=True, kw_only=True, tag="alarm"):
    """An alert of a round, as `app.cli.chaos.burns.Told` has it."""

    round: int
    fired_after_s: float | None
    resolved_after_s: float | None
    firing: int
    resolved: int
    findings: tuple[str, ...] = ()
    directory: str | None = None

    @classmethod
    def of(cls, told: Told, number: int, directory: Path) -> AlarmLine:
        findings = tuple(map(str, told.findings))
        return cls(round=number, findings=findings, directory=str(directory) if findings else None, **asdict(told))


class LifeLine(msgspec.Struct, frozen=True, kw_only=True, tag="life"):
    """One measure of one process over its life: bytes, or a number of things."""

    round: int
    process: str
    pid: int
    measure: str
    samples: int
    first: int
    last: int
    risen: float

    @classmethod
    def of(cls, life: Life, values: Sequence[int], risen: float, number: int) -> LifeLine:
        return cls(
            round=number,
            process=life.process,
            pid=life.pid,
            measure=life.measure,
            samples=len(values),
            first=values[0],
            last=values[-1],
            risen=risen,
        )


class MissingLine(msgspec.Struct, frozen=True, kw_only=True, tag="missing"):
    """A fault that was not run, and why."""

    fault: str
    reason: str


class EndLine(msgspec.Struct, frozen=True, kw_only=True, tag="end"):
    """That the run came to its end, after so many minutes."""

    at: str
    minutes: float


Line = RunLine | StrikeLine | AlarmLine | LifeLine | MissingLine | EndLine


class Chronicle:
    """Lines in memory and in a file, which is written on at every line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[Line] = []

    def add(self, line: Line) -> None:
        self.lines.append(line)
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")


def read_chronicle(path: Path) -> list[Line]:
    """Read a file of lines. Raises `msgspec.ValidationError`."""
    decoder = msgspec.json.Decoder(Line)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]
