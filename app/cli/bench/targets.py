"""The targets of ingestion and summaries, compared with what was measured. Pure.

The absolute numbers hold for a quiet machine of two cores on which a COPY costs PostgreSQL `REFERENCE_COPY_US` a row. On any
other machine, or a noisy one, the same target is a ratio to the COPY measured in the same run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.bench.results import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.bench.results import Ingestion, Summaries

REFERENCE_COPY_US = 9.0
"""Binary COPY of the same rows into the same partitioned table, two quiet cores, the first half million rows."""
STACK_US = {1: 400.0, 100: 45.0, 1_000: 40.0}
"""Batch size → processor time of the whole platform per stored event on the reference machine."""
SPEED_RATIO = {1_000: 0.5}
"""Batch size → share of COPY's rows per second that is stored end to end."""
HOT_P99_MS = 5.0
COLD_P99_MS = 10.0


def compare(ingestion: tuple[Ingestion, ...], summaries: Summaries | None) -> tuple[Target, ...]:
    """Every target that this run has a number for."""
    return tuple(target for run in ingestion for target in _of_ingestion(run)) + tuple(_of_summaries(summaries))


def _of_ingestion(run: Ingestion) -> Iterator[Target]:
    if run.batch_size in STACK_US:
        absolute = STACK_US[run.batch_size]
        ratio = absolute / REFERENCE_COPY_US
        yield Target(
            name=f"CPU an event, batches of {run.batch_size:,}",
            goal=f"≤ {ratio:.1f} x COPY ({absolute:g} µs where COPY takes {REFERENCE_COPY_US:g})",
            measured=f"{run.cpu_ratio:.1f} x ({run.stack_us:.1f} µs, COPY {run.ceiling.postgresql_us_per_row:.1f})",
            met=run.cpu_ratio <= ratio,
        )
    if run.batch_size in SPEED_RATIO:
        share = SPEED_RATIO[run.batch_size]
        yield Target(
            name=f"stored end to end, batches of {run.batch_size:,}",
            goal=f"≥ {share:.0%} of COPY",
            measured=f"{run.speed_ratio:.0%} ({run.stored_per_s:,.0f} of {run.ceiling.rows_per_s:,.0f} a second)",
            met=run.speed_ratio >= share,
        )


def _of_summaries(summaries: Summaries | None) -> Iterator[Target]:
    if summaries is None:
        return
    yield Target(
        name=f"summary from the cache, p99 at {summaries.connections} connections",
        goal=f"< {HOT_P99_MS:g} ms",
        measured=f"{summaries.hot.p99_ms:.1f} ms",
        met=summaries.hot.p99_ms < HOT_P99_MS,
    )
    yield Target(
        name=f"summary from PostgreSQL with {summaries.stored_events:,} events stored, p99",
        goal=f"< {COLD_P99_MS:g} ms",
        measured=f"{summaries.cold.p99_ms:.1f} ms, as the client sees it",
        met=summaries.cold.p99_ms < COLD_P99_MS,
    )
