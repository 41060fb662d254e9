"""One run of the bench, from an empty directory to the results."""

from __future__ import annotations

import shutil
import traceback
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from app.cli.bench.growth import measure_growth
from app.cli.bench.ingestion import measure_ingestion
from app.cli.bench.load import Target
from app.cli.bench.offered import measure_offered
from app.cli.bench.pages import measure_pages
from app.cli.bench.reports import measure_reports
from app.cli.bench.results import Failure, Results
from app.cli.bench.slos import measure_slos
from app.cli.bench.summaries import measure_summaries
from app.cli.bench.targets import compare
from app.cli.bench.telemetry import measure_imports
from app.cli.machine import describe_machine
from app.platform import Platform, PlatformOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.progress import TaskID

    from app.cli.bench.results import Grown, Import, Ingestion, Offered, PageTime, ReportRun, SLOResults, Summaries

EVENTS = {1: 20_000, 100: 200_000, 1_000: 300_000}
"""Batch size → events: some seconds of load each."""
OFFERED_S = 20
GROWTH = (1_000_000, 5_000_000, 10_000_000, 20_000_000)
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
    """Measure each part in its order, on platforms under `directory` that are stopped again; one that fails takes no other with it."""
    results = Results(describe_machine(directory))
    wanted = [part for part in MEASURES if part in plan.parts]
    together = [part for part in wanted if part not in ALONE]
    with Progress(console=console, transient=True) as progress:
        for parts in filter(None, (*([part] for part in wanted if part in ALONE), together)):
            measured, failures = _measured(parts, plan, directory / parts[0], progress)
            results = replace(results, **measured, failures=(*results.failures, *failures))
    return replace(results, targets=compare(results))


def _measured(
    parts: Sequence[str], plan: Plan, directory: Path, progress: Progress
) -> tuple[dict[str, Any], list[Failure]]:
    """Return what was measured of these parts, one after the other, on a new platform; nothing of it stays on the disk."""
    with Platform(directory, PlatformOptions(workers=plan.workers)).start() as platform:
        target = _prepare(platform)

        def measure(part: str) -> Any:
            task = progress.add_task(part, total=None)
            try:
                return MEASURES[part](Bench(platform, target, plan, partial(_describe, progress, task)))
            finally:
                progress.remove_task(task)

        found = measure_each(parts, measure)
    shutil.rmtree(directory)
    return found


def measure_each(parts: Sequence[str], measure: Callable[[str], Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Return what was measured, by part, and the parts that failed, of which none takes another with it."""
    measured, failures = {}, []
    for part in parts:
        try:
            measured[part] = measure(part)
        except Exception as error:  # noqa: BLE001 - half an hour of other parts must not go with it.
            traceback.print_exc()
            failures.append(Failure(part, f"{type(error).__name__}: {error}"))
    return measured, failures


def _describe(progress: Progress, task: TaskID, what: str) -> None:
    progress.update(task, description=what)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a part needs: a platform, whom to send as, what was asked for, and whom to tell what is being measured."""

    platform: Platform
    target: Target
    plan: Plan
    watch: Callable[[str], None]

    def scaled(self, full: int) -> int:
        """Return so much of the full load as was asked for."""
        return round(full * self.plan.share)


def _ingestion(bench: Bench) -> tuple[Ingestion, ...]:
    return tuple(_batches(bench, size) for size in bench.plan.sizes)


def _batches(bench: Bench, size: int) -> Ingestion:
    bench.watch(f"batches of {size:,}")
    events = bench.scaled(EVENTS.get(size, 100_000))
    return measure_ingestion(bench.platform, bench.target, size=size, events=events, connections=bench.plan.connections)


def _offered(bench: Bench) -> Offered:
    return measure_offered(bench.platform, bench.target, seconds=bench.scaled(OFFERED_S), watch=bench.watch)


def _growth(bench: Bench) -> tuple[Grown, ...]:
    sizes = [bench.scaled(size) for size in GROWTH]
    return measure_growth(
        bench.platform, bench.target, sizes=sizes, events=bench.scaled(EVENTS[1_000]), watch=bench.watch
    )


def _summaries(bench: Bench) -> Summaries:
    return measure_summaries(
        bench.platform,
        bench.target,
        stored=bench.plan.stored,
        requests=bench.scaled(HOT_REQUESTS),
        connections=bench.plan.connections,
        watch=lambda made: bench.watch(f"summaries, {made:,} of {bench.plan.stored:,} events stored"),
    )


def _slos(bench: Bench) -> SLOResults:
    services = [bench.scaled(number) for number in SERVICES]
    return measure_slos(bench.platform, services=services, large_days=bench.scaled(LARGE_DAYS), watch=bench.watch)


def _imports(bench: Bench) -> tuple[Import, ...]:
    return measure_imports(bench.platform, lines=bench.scaled(IMPORTED_LINES), watch=bench.watch)


def _reports(bench: Bench) -> ReportRun:
    return measure_reports(bench.platform, share=bench.plan.share, watch=bench.watch)


def _pages(bench: Bench) -> tuple[PageTime, ...]:
    return measure_pages(bench.platform, share=bench.plan.share, watch=bench.watch)


MEASURES: Mapping[str, Callable[[Bench], Any]] = {
    "ingestion": _ingestion,
    "offered": _offered,
    "summaries": _summaries,
    "slos": _slos,
    "imports": _imports,
    "reports": _reports,
    "pages": _pages,
    "growth": _growth,
}
"""Part → how it is measured, in the order in which they run: the field of `Results` has its name."""
ALONE = {"growth", "pages"}
"""Parts that begin with an empty table, or need the SLOs that ship, which the bench of SLOs replaces."""


def _prepare(platform: Platform) -> Target:
    """Accounts whose own limits are out of the way: what is measured is the platform and not its patience."""
    keys = []
    for number in range(ACCOUNTS):
        account_id = f"bench-{number}"
        keys.append((account_id, platform.create_account(account_id, tier="enterprise", overrides=NO_LIMITS)))
    host, _, port = platform.base_url.removeprefix("http://").rpartition(":")
    return Target(host, int(port), tuple(keys))
