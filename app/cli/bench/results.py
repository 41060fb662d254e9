"""What was measured, as values. Times in the units of their names; `us` is microseconds of processor time unless it says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.cli.machine import Machine


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall-clock milliseconds of an answer, as the client saw it."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, latencies_us: Sequence[int]) -> Latency:
        """The nearest rank of each percentile: a value that was really measured."""
        ordered = sorted(latencies_us)
        ranks = [ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)] for percent in (50, 95, 99)]
        return cls(*(value / 1_000 for value in (*ranks, ordered[-1])))


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One connection's binary COPY of as many rows into the same table, just after the run it is compared with."""

    rows: int
    rows_per_s: float
    postgresql_us_per_row: float
    client_us_per_row: float


@dataclass(frozen=True, slots=True)
class Ingestion:
    """One batch size, end to end. `cpu_us` is per stored event, by role; `refused` are batches that got no 202."""

    batch_size: int
    connections: int
    events: int
    refused: int
    accepted_per_s: float
    stored_per_s: float
    latency: Latency
    cpu_us: Mapping[str, float]
    generator_us: float
    ceiling: Ceiling

    @property
    def stack_us(self) -> float:
        """Processor time of the whole platform, per stored event."""
        return sum(self.cpu_us.values())

    @property
    def cpu_ratio(self) -> float:
        """How many times a COPY's own processor time per row."""
        return self.stack_us / self.ceiling.postgresql_us_per_row

    @property
    def speed_ratio(self) -> float:
        """Stored end to end, as a share of COPY's rows per second."""
        return self.stored_per_s / self.ceiling.rows_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedStep:
    """So many events a second offered by the clock, whatever the answers were.

    share: of the peak. refused: share of the requests. answer: from the moment when a request was due to its 202, so that what
    waits behind a slow answer counts too. fresh: from the 202 until stored.
    """

    share: float
    offered_per_s: float
    stored_per_s: float
    refused: float
    answer_p50_ms: float
    answer_p99_ms: float
    fresh_p50_ms: float
    fresh_p99_ms: float


@dataclass(frozen=True, slots=True)
class Offered:
    """`peak_per_s` is what was stored while everybody sent the next batch as soon as the last was answered."""

    batch_size: int
    peak_per_s: float
    steps: tuple[OfferedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """Ingestion, its ceiling and a summary from PostgreSQL at one size of the table: the medians of some runs.

    events: rows in the table before the runs. Ratios are to the COPY that followed the same run.
    """

    events: int
    stored_per_s: float
    copy_per_s: float
    speed_ratio: float
    stack_us: float
    cpu_ratio: float
    summary: Latency


@dataclass(frozen=True, slots=True)
class Summaries:
    """`hot` comes from the cache, as many as connections that never rest are answered; `steady` too, by the clock, `steady_per_s` of them.

    `cold` is computed with that many events stored, one request at a time. `refused` are of all kinds.
    """

    stored_events: int
    connections: int
    refused: int
    hot_per_s: float
    hot: Latency
    steady_per_s: float
    steady: Latency
    cold: Latency


@dataclass(frozen=True, slots=True)
class ManySLOs:
    """Wall-clock seconds to evaluate all of them: from nothing, and minute after minute (the median, and the slowest).

    `steady_cpu_s` is our own processor time of the latter, which a busy neighbour does not change.
    """

    slos: int
    services: int
    cold_s: float
    steady_s: float
    slowest_s: float
    steady_cpu_s: float


@dataclass(frozen=True, slots=True)
class LargeSLI:
    """Wall-clock seconds for one SLI with its percentiles over so many minute rows, nothing remembered."""

    rows: int
    requests: int
    seconds: float
    add_up_rows_per_s: float


@dataclass(frozen=True, slots=True)
class SLOResults:
    """Each smaller first, to see how it grows."""

    many: tuple[ManySLOs, ...]
    large: tuple[LargeSLI, ...]


@dataclass(frozen=True, slots=True)
class Import:
    """One kind of file with telemetry. `cpu_us` is our processor time a line, `postgresql_us` PostgreSQL's."""

    name: str
    lines: int
    lines_per_s: float
    cpu_us: float
    postgresql_us: float

    @property
    def lines_per_cpu_s(self) -> float:
        """Lines for each second of processor time: what a core alone would import."""
        return 1e6 / (self.cpu_us + self.postgresql_us)


@dataclass(frozen=True, slots=True)
class ReportRun:
    """A monthly report to PDF over so many minute rows: wall-clock seconds of the whole command (the median), and the most memory.

    `cpu_s` is the command's own processor time, PostgreSQL's apart: a busy neighbour changes little of it.
    """

    rows: int
    accounts: int
    incidents: int
    seconds: float
    cpu_s: float
    memory_mb: float
    pdf_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTime:
    """Milliseconds until a page was there, over loopback: the first time, the median and the longest of some rounds."""

    page: str
    first_ms: float
    median_ms: float
    worst_ms: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Target:
    """A goal and what was measured; `met` compares them in the direction that is better.

    `figure` names what was measured among all that is printed; `about` is what the goal is derived from.
    """

    figure: str
    name: str
    goal: str
    measured: str
    met: bool
    about: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A part that ended with an error, and measured nothing."""

    part: str
    why: str


@dataclass(frozen=True, slots=True)
class Results:
    """What each part that ran has measured, the targets it has a number for, and the parts that failed."""

    machine: Machine
    ingestion: tuple[Ingestion, ...] = ()
    offered: Offered | None = None
    growth: tuple[Grown, ...] = ()
    summaries: Summaries | None = None
    slos: SLOResults | None = None
    imports: tuple[Import, ...] = ()
    reports: ReportRun | None = None
    pages: tuple[PageTime, ...] = ()
    targets: tuple[Target, ...] = ()
    failures: tuple[Failure, ...] = ()
