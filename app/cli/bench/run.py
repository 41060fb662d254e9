"""One run of the bench, from an empty directory to the results."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.progress import Progress

from app.cli.bench.ingestion import measure_ingestion
from app.cli.bench.load import Target
from app.cli.bench.machine import describe_machine
from app.cli.bench.reports import measure_reports
from app.cli.bench.results import Results
from app.cli.bench.slos import measure_slos
from app.cli.bench.summaries import measure_summaries
from app.cli.bench.targets import compare
from app.cli.bench.telemetry import measure_imports
from app.platform import Platform, PlatformOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from app.cli.bench.results import Import, Ingestion, ReportRun, SLOResults, Summaries

EVENTS = {1: 20_000, 100: 200_000, 1_000: 300_000}
"""Batch size → events: some seconds of load each."""
HOT_REQUESTS = 20_000
SERVICES = (10, 50)
LARGE_DAYS = 30
IMPORTED_LINES = 400_000
ACCOUNTS = 8
NO_LIMITS = {"events_per_minute": 10**9, "events_burst": 10**9, "summaries_per_minute": 10**9}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `share` is how much of the full load, `stored` the events in the table when summaries are asked for."""

    parts: tuple[str, ...]
    sizes: tuple[int, ...]
    connections: int
    workers: int
    stored: int
    share: float


def run(plan: Plan, directory: Path, console: Console) -> Results:
    """Start a platform under `directory`, measure, and stop it."""
    machine = describe_machine(directory)
    with (
        Platform(directory, PlatformOptions(workers=plan.workers)).start() as platform,
        Progress(console=console, transient=True) as progress,
    ):
        target = _prepare(platform)
        ingestion: list[Ingestion] = []
        if "ingestion" in plan.parts:
            for size in plan.sizes:
                with _task(progress, f"batches of {size:,}"):
                    events = round(EVENTS.get(size, 100_000) * plan.share)
                    ingestion.append(
                        measure_ingestion(platform, target, size=size, events=events, connections=plan.connections)
                    )
        summaries: Summaries | None = None
        if "summaries" in plan.parts:
            task = progress.add_task(f"summaries, {plan.stored:,} events stored", total=plan.stored)
            summaries = measure_summaries(
                platform,
                target,
                stored=plan.stored,
                requests=round(HOT_REQUESTS * plan.share),
                connections=plan.connections,
                watch=lambda made: progress.update(task, completed=made),
            )
        slos: SLOResults | None = None
        if "slos" in plan.parts:
            task = progress.add_task("SLOs", total=None)
            slos = measure_slos(
                platform,
                services=[round(number * plan.share) for number in SERVICES],
                large_days=round(LARGE_DAYS * plan.share),
                watch=lambda what: progress.update(task, description=what),
            )
        imports: tuple[Import, ...] = ()
        if "imports" in plan.parts:
            task = progress.add_task("imports", total=None)
            imports = measure_imports(
                platform,
                lines=round(IMPORTED_LINES * plan.share),
                watch=lambda what: progress.update(task, description=what),
            )
        report: ReportRun | None = None
        if "reports" in plan.parts:
            task = progress.add_task("reports", total=None)
            report = measure_reports(
                platform, share=plan.share, watch=lambda what: progress.update(task, description=what)
            )
    targets = compare(tuple(ingestion), summaries, slos, imports, report)
    return Results(machine, tuple(ingestion), summaries, slos, imports, report, targets)


def _prepare(platform: Platform) -> Target:
    """Accounts whose own limits are out of the way: what is measured is the platform and not its patience."""
    keys = []
    for number in range(ACCOUNTS):
        account_id = f"bench-{number}"
        keys.append((account_id, platform.create_account(account_id, tier="enterprise", overrides=NO_LIMITS)))
    host, _, port = platform.base_url.removeprefix("http://").rpartition(":")
    return Target(host, int(port), tuple(keys))


@contextmanager
def _task(progress: Progress, name: str) -> Iterator[None]:
    task = progress.add_task(name, total=None)
    yield
    progress.remove_task(task)
