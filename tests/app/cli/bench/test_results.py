from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from app.cli.bench.results import (
    Ceiling,
    Grown,
    Import,
    Ingestion,
    Latency,
    PageTime,
    ReportRun,
    Results,
    Summaries,
)
from app.cli.bench.targets import REFERENCE_COPY_US, compare
from app.cli.machine import Machine

if TYPE_CHECKING:
    from app.cli.bench.results import Target

RUN = Ingestion(
    batch_size=1_000,
    connections=16,
    events=300_000,
    refused=0,
    accepted_per_s=90_000,
    stored_per_s=30_000,
    latency=Latency(1, 2, 3, 4),
    cpu_us={"api": 6, "worker": 8, "valkey": 2, "postgresql": 14},
    generator_us=1,
    ceiling=Ceiling(rows=300_000, rows_per_s=60_000, postgresql_us_per_row=REFERENCE_COPY_US, client_us_per_row=0.2),
)
MACHINE = Machine("some", 2, 4.0, "6", "3.11", "18", "9", "ext4", 0.0)


def targets(**measured: Any) -> tuple[Target, ...]:
    return compare(Results(MACHINE, **measured))


@pytest.mark.parametrize(
    ("latencies_us", "expected"),
    [
        ([1_000], Latency(1, 1, 1, 1)),
        (list(range(1_000, 101_000, 1_000)), Latency(50, 95, 99, 100)),
        ([3_000, 1_000, 2_000], Latency(2, 3, 3, 3)),
    ],
)
def test_a_percentile_is_a_latency_that_was_measured(latencies_us: list[int], expected: Latency) -> None:
    assert Latency.of(latencies_us) == expected


def test_the_stack_is_the_sum_of_its_components_and_compared_with_copy() -> None:
    assert RUN.stack_us == 30
    assert RUN.cpu_ratio == pytest.approx(30 / REFERENCE_COPY_US)
    assert RUN.speed_ratio == pytest.approx(0.5)


def test_targets_are_met_on_their_edge_and_missed_beyond() -> None:
    slower = replace(RUN, stored_per_s=29_999.0)

    assert [target.met for target in targets(ingestion=(RUN,))] == [True, True]
    assert [target.met for target in targets(ingestion=(slower,))] == [True, False]


def test_on_a_slow_machine_the_ratio_to_copy_decides() -> None:
    slow = replace(RUN, cpu_us={"api": 70.0}, ceiling=replace(RUN.ceiling, postgresql_us_per_row=REFERENCE_COPY_US * 2))

    assert targets(ingestion=(slow,))[0].met
    assert not targets(ingestion=(replace(slow, ceiling=RUN.ceiling),))[0].met


def test_a_batch_size_without_a_target_has_none() -> None:
    assert targets(ingestion=(replace(RUN, batch_size=10),)) == ()


def test_summaries_have_a_target_hot_and_cold() -> None:
    measured = Summaries(
        stored_events=10_000_000,
        connections=16,
        refused=0,
        hot_per_s=5_000,
        hot=Latency(1, 2, 10, 19),
        steady_per_s=2_500,
        steady=Latency(1, 2, 4.9, 9),
        cold=Latency(1, 2, 10, 20),
    )

    assert [target.met for target in targets(summaries=measured)] == [True, False]


def test_the_copies_of_a_run_count_by_their_rows() -> None:
    lucky = replace(
        RUN,
        batch_size=1,
        ceiling=Ceiling(rows=100_000, rows_per_s=200_000, postgresql_us_per_row=1, client_us_per_row=0),
    )

    stored = next(target for target in targets(ingestion=(lucky, RUN)) if target.name.startswith("stored"))

    assert stored.measured == "41% (30,000 of 72,727 a second)"


def test_a_core_alone_has_to_import_each_kind_of_file_fast_enough() -> None:
    slow, fast = Import("ndjson", 100, 90_000.0, 30.0, 3.4), Import("combined", 100, 10_000.0, 30.0, 3.3)

    assert [target.met for target in targets(imports=(slow, fast))] == [False, True]


def test_a_report_has_a_target_on_time_and_one_on_memory() -> None:
    run = ReportRun(rows=777_600, accounts=500, incidents=50, seconds=4.9, cpu_s=3, memory_mb=400, pdf_bytes=9)

    assert [target.met for target in targets(reports=run)] == [True, False]


def test_growth_is_judged_from_the_smallest_table_to_the_largest() -> None:
    small = Grown(
        events=1_000_000,
        stored_per_s=50_000,
        copy_per_s=100_000,
        speed_ratio=0.5,
        stack_us=20,
        cpu_ratio=2,
        summary=Latency(1, 2, 10, 11),
    )
    edge = replace(small, events=20_000_000, stored_per_s=20_000, speed_ratio=0.425, summary=Latency(1, 2, 11, 12))
    beyond = replace(edge, stored_per_s=19_999, speed_ratio=0.424, summary=Latency(1, 2, 11.1, 12))

    assert [target.met for target in targets(growth=(small, beyond, edge))] == [True, True, True]
    assert [target.met for target in targets(growth=(small, edge, beyond))] == [False, False, False]
    assert targets(growth=(small,)) == ()


def test_the_slowest_page_is_what_counts() -> None:
    quick = PageTime(page="/ui/", first_ms=400, median_ms=30, worst_ms=400, bytes=9_000)
    slow = replace(quick, page="/ui/queue", median_ms=200)

    (met,), (missed,) = targets(pages=(quick,)), targets(pages=(quick, slow))

    assert met.met
    assert (missed.met, missed.measured) == (False, "200 ms (/ui/queue)")
