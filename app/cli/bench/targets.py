"""The targets of ingestion, summaries, SLOs, imports, reports and pages, compared with what was measured. Pure.

The absolute numbers hold for a quiet machine of two cores on which a COPY costs PostgreSQL `REFERENCE_COPY_US` a row. On any
other machine, or a noisy one, the same target is a ratio to the COPY of the same run: the mean of its copies, because a single
one may have met an empty table or a busy neighbour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.bench.results import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.bench.results import Grown, Import, Ingestion, PageTime, ReportRun, Results, SLOResults, Summaries

REFERENCE_COPY_US = 9.5
"""Binary COPY of the same rows into the same partitioned table, two quiet cores, the million rows of a whole run."""
STACK_US = {1: 400.0, 100: 45.0, 1_000: 40.0}
"""Batch size → processor time of the whole platform per stored event on the reference machine."""
SPEED_RATIO = {1_000: 0.5}
"""Batch size → share of COPY's rows per second that is stored end to end."""
HOT_P99_MS = 5.0
COLD_P99_MS = 10.0
MANY_SLOS_S = 2.0
LARGE_SLI_S = 1.0
RATIO_KEPT, RATE_KEPT, SUMMARY_GROWN = 0.85, 0.4, 1.1
"""From the smallest table to the largest: what is left of the ratio to COPY, of the absolute rate, and by how much a summary may be slower."""
REPORT_S = 5.0
REPORT_MB = 400
IMPORTED_PER_S = 30_000
"""Asked of two cores; by processor time of one, ours and PostgreSQL's, a busy neighbour changes nothing."""
HOT, COLD, MANY, LARGE = "summary from the cache", "summary from PostgreSQL", "many SLOs", "large SLI"
PAGE_MS = 200
PAGES = "slowest page"
REPORT_TIME, REPORT_MEMORY = "time of a report", "memory of a report"


def cpu_of(batch_size: int) -> str:
    """Name the processor time of an event among the figures."""
    return f"CPU at {batch_size}"


def speed_of(batch_size: int) -> str:
    """Name the share of COPY's speed among the figures."""
    return f"speed at {batch_size}"


def compare(results: Results) -> tuple[Target, ...]:
    """Every target that this run has a number for."""
    return (
        *_of_all_ingestion(results.ingestion),
        *_of_growth(results.growth),
        *_of_summaries(results.summaries),
        *_of_slos(results.slos),
        *_of_imports(results.imports),
        *_of_report(results.reports),
        *_of_pages(results.pages),
    )


def _of_all_ingestion(runs: tuple[Ingestion, ...]) -> Iterator[Target]:
    copied = sum(run.ceiling.rows for run in runs) or 1
    copy_us = sum(run.ceiling.rows * run.ceiling.postgresql_us_per_row for run in runs) / copied
    copy_per_s = copied / (sum(run.ceiling.rows / run.ceiling.rows_per_s for run in runs) or 1)
    for run in runs:
        yield from _of_ingestion(run, copy_us=copy_us, copy_per_s=copy_per_s)


def _of_ingestion(run: Ingestion, *, copy_us: float, copy_per_s: float) -> Iterator[Target]:
    if run.batch_size in STACK_US:
        absolute = STACK_US[run.batch_size]
        goal, ratio = absolute / REFERENCE_COPY_US, run.stack_us / copy_us
        yield Target(
            figure=cpu_of(run.batch_size),
            name=f"CPU an event, batches of {run.batch_size:,}",
            goal=f"≤ {goal:.1f} x COPY",
            about=f"{absolute:g} µs where COPY takes {REFERENCE_COPY_US:g}",
            measured=f"{ratio:.1f} x ({run.stack_us:.1f} µs, COPY {copy_us:.1f})",
            met=ratio <= goal,
        )
    if run.batch_size in SPEED_RATIO:
        share, reached = SPEED_RATIO[run.batch_size], run.stored_per_s / copy_per_s
        yield Target(
            figure=speed_of(run.batch_size),
            name=f"stored end to end, batches of {run.batch_size:,}",
            goal=f"≥ {share:.0%} of COPY",
            measured=f"{reached:.0%} ({run.stored_per_s:,.0f} of {copy_per_s:,.0f} a second)",
            met=reached >= share,
        )


def _of_growth(growth: tuple[Grown, ...]) -> Iterator[Target]:
    if len(growth) < 2:  # noqa: PLR2004 - two make a growth.
        return
    first, last = growth[0], growth[-1]
    sizes = f"from {first.events:,} to {last.events:,} events"
    for figure, goal, before, after, written in (
        ("share of COPY", RATIO_KEPT, first.speed_ratio, last.speed_ratio, ".0%"),
        ("events stored a second", RATE_KEPT, first.stored_per_s, last.stored_per_s, ",.0f"),
    ):
        kept = after / before
        yield Target(
            figure=f"growth, {figure}",
            name=f"{figure} {sizes}",
            goal=f"≥ {goal:.0%} of it is kept",
            measured=f"{kept:.0%} ({before:{written}}, then {after:{written}})",
            met=kept >= goal,
        )
    before, after = first.summary.p99_ms, last.summary.p99_ms
    yield Target(
        figure="growth, summary",
        name=f"summary from PostgreSQL {sizes}, p99",
        goal=f"≤ {SUMMARY_GROWN:g} times",
        measured=f"{after / before:.2f} times ({before:.1f} ms, then {after:.1f})",
        met=after <= SUMMARY_GROWN * before,
    )


def _of_summaries(summaries: Summaries | None) -> Iterator[Target]:
    if summaries is None:
        return
    yield Target(
        figure=HOT,
        name="summary from the cache, p99 at half of the most",
        goal=f"< {HOT_P99_MS:g} ms",
        measured=f"{summaries.steady.p99_ms:.1f} ms at {summaries.steady_per_s:,.0f} a second",
        met=summaries.steady.p99_ms < HOT_P99_MS,
    )
    yield Target(
        figure=COLD,
        name=f"summary from PostgreSQL with {summaries.stored_events:,} events stored, p99",
        goal=f"< {COLD_P99_MS:g} ms",
        measured=f"{summaries.cold.p99_ms:.1f} ms, as the client sees it",
        met=summaries.cold.p99_ms < COLD_P99_MS,
    )


def _of_slos(slos: SLOResults | None) -> Iterator[Target]:
    if slos is None:
        return
    many, large = slos.many[-1], slos.large[-1]
    yield Target(
        figure=MANY,
        name=f"{many.slos:,} SLOs evaluated at steady state",
        goal=f"< {MANY_SLOS_S:g} s",
        measured=f"{many.steady_s:.2f} s",
        met=many.steady_s < MANY_SLOS_S,
    )
    yield Target(
        figure=LARGE,
        name=f"an SLI with percentiles over {large.requests:,} requests in {large.rows:,} rows",
        goal=f"< {LARGE_SLI_S:g} s",
        measured=f"{large.seconds:.2f} s",
        met=large.seconds < LARGE_SLI_S,
    )


def _of_imports(imports: tuple[Import, ...]) -> Iterator[Target]:
    for one in imports:
        yield Target(
            figure=one.name,
            name=f"telemetry imported, {one.name}",
            goal=f"≥ {IMPORTED_PER_S:,} lines a second of one core",
            measured=f"{one.lines_per_cpu_s:,.0f} ({one.lines_per_s:,.0f} a second as it was)",
            met=one.lines_per_cpu_s >= IMPORTED_PER_S,
        )


def _of_report(report: ReportRun | None) -> Iterator[Target]:
    if report is None:
        return
    name = f"monthly report to PDF over {report.rows:,} minute rows, {report.accounts:,} accounts, {report.incidents} incidents"
    yield Target(
        figure=REPORT_TIME,
        name=name,
        goal=f"< {REPORT_S:g} s",
        measured=f"{report.seconds:.1f} s ({report.cpu_s:.1f} s of CPU)",
        met=report.seconds < REPORT_S,
    )
    yield Target(
        figure=REPORT_MEMORY,
        name=f"{name}, memory",
        goal=f"< {REPORT_MB} MB",
        measured=f"{report.memory_mb:.0f} MB in all of its processes",
        met=report.memory_mb < REPORT_MB,
    )


def _of_pages(pages: tuple[PageTime, ...]) -> Iterator[Target]:
    if not pages:
        return
    slowest = max(pages, key=lambda page: page.median_ms)
    yield Target(
        figure=PAGES,
        name=f"the slowest of {len(pages)} pages",
        goal=f"< {PAGE_MS} ms",
        measured=f"{slowest.median_ms:.0f} ms ({slowest.page})",
        met=slowest.median_ms < PAGE_MS,
    )
