"""The results as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from app.cli.bench.targets import COLD, HOT, LARGE, MANY, PAGES, REPORT_MEMORY, REPORT_TIME, cpu_of, speed_of
from app.cli.machine import machine_line
from app.platform import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from app.cli.bench.results import (
        Failure,
        Grown,
        Import,
        Ingestion,
        Latency,
        Offered,
        PageTime,
        ReportRun,
        Results,
        SLOResults,
        Summaries,
        Target,
    )

    Marks = Mapping[str, str]
    """What is printed beside a figure that has a target: the goal, and whether it is met."""

WIDTH = 120
"""Characters of a table that goes to a file."""


def print_results(results: Results, console: Console) -> None:
    """The machine, what was measured, and the targets."""
    if not console.is_terminal:
        console.width = WIDTH
    console.print(machine_line(results.machine))
    for table in tables(results):
        console.print(table)


def tables(results: Results) -> Iterator[Table]:
    """What was measured, and the targets; cells may hold rich's markup."""
    marks = {target.figure: f"{target.goal}: {_verdict(target)}" for target in results.targets}
    if results.ingestion:
        yield _ingestion(results.ingestion, marks)
    if results.offered:
        yield _offered(results.offered)
    if results.growth:
        yield _growth(results.growth)
    if results.summaries:
        yield _summaries(results.summaries, marks)
    if results.slos:
        yield _many_slos(results.slos, marks)
        yield _large_slis(results.slos, marks)
    if results.imports:
        yield _imports(results.imports, marks)
    if results.reports:
        yield _report(results.reports, marks)
    if results.pages:
        yield _pages(results.pages, marks)
    yield _targets(results.targets)
    if results.failures:
        yield _failures(results.failures)


def _failures(failures: Sequence[Failure]) -> Table:
    table = Table(title="Not measured")
    for heading in ("part", "because"):
        table.add_column(heading)
    for failure in failures:
        table.add_row(failure.part, escape(failure.why))
    return table


def _targets(targets: Sequence[Target]) -> Table:
    table = Table(title="Targets")
    for heading in ("target", "goal", "measured", ""):
        table.add_column(heading)
    for target in targets:
        goal = f"{target.goal} ({target.about})" if target.about else target.goal
        table.add_row(target.name, goal, target.measured, _verdict(target))
    return table


def _verdict(target: Target) -> str:
    return "[green]met[/]" if target.met else "[yellow]not met[/]"


def _ingestion(runs: tuple[Ingestion, ...], marks: Marks) -> Table:
    table = Table(title=f"Ingestion, {runs[0].connections} connections")
    table.add_column("")
    for run in runs:
        table.add_column(f"batches of {run.batch_size:,}", justify="right")
    rows: list[tuple[str, list[str]]] = [
        ("events", [f"{run.events:,}" for run in runs]),
        ("batches refused", [f"{run.refused:,}" for run in runs]),
        ("accepted a second", [f"{run.accepted_per_s:,.0f}" for run in runs]),
        ("stored a second, end to end", [f"{run.stored_per_s:,.0f}" for run in runs]),
        ("202: p50, p95, p99, max ms", [_percentiles(run.latency) for run in runs]),
        *((f"CPU µs an event, {role}", [f"{run.cpu_us[role]:.1f}" for run in runs]) for role in Role),
        ("CPU µs an event, all of them", [f"{run.stack_us:.1f}" for run in runs]),
        ("CPU µs an event, load generator", [f"{run.generator_us:.1f}" for run in runs]),
        ("COPY: rows a second", [f"{run.ceiling.rows_per_s:,.0f}" for run in runs]),
        ("COPY: CPU µs a row, PostgreSQL", [f"{run.ceiling.postgresql_us_per_row:.1f}" for run in runs]),
        ("CPU, times COPY", [f"{run.cpu_ratio:.1f}" for run in runs]),
        ("  target, with the mean of all COPYs", [marks.get(cpu_of(run.batch_size), "") for run in runs]),
        ("stored, share of COPY", [f"{run.speed_ratio:.0%}" for run in runs]),
        ("  target, with the mean of all COPYs", [marks.get(speed_of(run.batch_size), "") for run in runs]),
    ]
    for name, values in rows:
        table.add_row(name, *values)
    return table


def _offered(offered: Offered) -> Table:
    title = f"Offered by the clock, batches of {offered.batch_size:,}; the peak was {offered.peak_per_s:,.0f} events a second"
    table = Table(title=title)
    for heading in (
        "of the peak",
        "offered a second",
        "stored a second",
        "refused",
        *(f"{what} {percentile} ms" for what in ("202", "fresh") for percentile in ("p50", "p99")),
    ):
        table.add_column(heading, justify="right")
    for step in offered.steps:
        times = (step.answer_p50_ms, step.answer_p99_ms, step.fresh_p50_ms, step.fresh_p99_ms)
        table.add_row(
            f"{step.share:.0%}",
            f"{step.offered_per_s:,.0f}",
            f"{step.stored_per_s:,.0f}",
            f"{step.refused:.1%}",
            *(f"{time:,.0f}" for time in times),
        )
    return table


def _growth(growth: tuple[Grown, ...]) -> Table:
    table = Table(title="Growth: batches of 1,000 while so many events with random ids are stored")
    for heading in (
        "events stored",
        "stored a second",
        "COPY: rows a second",
        "share of COPY",
        "CPU µs an event",
        "times COPY",
        "summary p50 ms",
        "p99 ms",
    ):
        table.add_column(heading, justify="right")
    for step in growth:
        table.add_row(
            f"{step.events:,}",
            f"{step.stored_per_s:,.0f}",
            f"{step.copy_per_s:,.0f}",
            f"{step.speed_ratio:.0%}",
            f"{step.stack_us:.1f}",
            f"{step.cpu_ratio:.1f}",
            f"{step.summary.p50_ms:.1f}",
            f"{step.summary.p99_ms:.1f}",
        )
    return table


def _summaries(summaries: Summaries, marks: Marks) -> Table:
    table = Table(title=f"Summaries, {summaries.stored_events:,} events stored, {summaries.refused:,} requests refused")
    for heading in ("", "connections", "a second", "p50, p95, p99, max ms", "target, p99"):
        table.add_column(heading, justify="right" if heading in {"connections", "a second"} else "left")
    for what, connections, per_s, latency, mark in (
        ("from the cache, as many as it can", summaries.connections, summaries.hot_per_s, summaries.hot, ""),
        ("from the cache, by the clock", summaries.connections, summaries.steady_per_s, summaries.steady, marks[HOT]),
        ("from PostgreSQL", 1, None, summaries.cold, marks[COLD]),
    ):
        table.add_row(what, str(connections), "" if per_s is None else f"{per_s:,.0f}", _percentiles(latency), mark)
    return table


def _many_slos(slos: SLOResults, marks: Marks) -> Table:
    table = Table(title="SLOs evaluated together, 20 a service, ten rows a minute each, 30 days")
    for heading in (
        "SLOs",
        "services",
        "from nothing s",
        "each minute s",
        "slowest s",
        "our CPU s",
        "target, each minute",
    ):
        table.add_column(heading, justify="right")
    for run in slos.many:
        times = (f"{seconds:.2f}" for seconds in (run.cold_s, run.steady_s, run.slowest_s, run.steady_cpu_s))
        table.add_row(f"{run.slos:,}", f"{run.services:,}", *times, marks[MANY] if run is slos.many[-1] else "")
    return table


def _large_slis(slos: SLOResults, marks: Marks) -> Table:
    table = Table(title="One SLI with percentiles, nothing remembered")
    for heading in ("minute rows", "requests", "s", "rows added up a second", "target"):
        table.add_column(heading, justify="right")
    for run in slos.large:
        table.add_row(
            f"{run.rows:,}",
            f"{run.requests:,}",
            f"{run.seconds:.2f}",
            f"{run.add_up_rows_per_s:,.0f}",
            marks[LARGE] if run is slos.large[-1] else "",
        )
    return table


def _imports(imports: tuple[Import, ...], marks: Marks) -> Table:
    table = Table(title="Telemetry imported from files")
    for heading in ("", "lines", "lines a second", "CPU µs a line, ours", "PostgreSQL", "target"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in imports:
        table.add_row(
            one.name,
            f"{one.lines:,}",
            f"{one.lines_per_s:,.0f}",
            f"{one.cpu_us:.1f}",
            f"{one.postgresql_us:.1f}",
            marks[one.name],
        )
    return table


def _report(run: ReportRun, marks: Marks) -> Table:
    table = Table(title="A monthly report to PDF, the whole command")
    for heading in ("minute rows", "accounts", "incidents", "s", "our CPU s", "MB", "PDF kB", "targets"):
        table.add_column(heading, justify="right")
    table.add_row(
        f"{run.rows:,}",
        f"{run.accounts:,}",
        f"{run.incidents:,}",
        f"{run.seconds:.1f}",
        f"{run.cpu_s:.1f}",
        f"{run.memory_mb:.0f}",
        f"{run.pdf_bytes / 1_000:,.0f}",
        f"{marks[REPORT_TIME]}, {marks[REPORT_MEMORY]}",
    )
    return table


def _pages(pages: tuple[PageTime, ...], marks: Marks) -> Table:
    table = Table(title="Pages, with a month of requests and 1,000 accounts; asked for again after what is held is old")
    for heading in ("page", "first ms", "median ms", "worst ms", "kB", "target"):
        table.add_column(heading, justify="left" if heading == "page" else "right")
    ordered = sorted(pages, key=lambda page: -page.median_ms)
    for page in ordered:
        times = (f"{time:.0f}" for time in (page.first_ms, page.median_ms, page.worst_ms))
        table.add_row(page.page, *times, f"{page.bytes / 1_000:.0f}", marks[PAGES] if page is ordered[0] else "")
    return table


def _percentiles(latency: Latency) -> str:
    return " / ".join(f"{value:.1f}" for value in (latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms))
