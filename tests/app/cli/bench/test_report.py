from __future__ import annotations

from dataclasses import fields
from datetime import date

from rich.console import Console

from app.cli.bench.command import PARTS
from app.cli.bench.markdown import as_markdown
from app.cli.bench.report import print_results
from app.cli.bench.results import Results
from app.cli.bench.run import MEASURES
from tests.app.cli.bench.test_results import MACHINE, RUN, targets


def test_beside_a_figure_that_has_a_target_stand_the_goal_and_whether_it_is_met() -> None:
    console = Console(record=True, width=200)

    print_results(Results(MACHINE, ingestion=(RUN,), targets=targets(ingestion=(RUN,))), console)

    table, _, _ = console.export_text().partition("Targets")
    assert "≤ 4.2 x COPY: met" in table
    assert "≥ 50% of COPY: met" in table


def test_the_same_tables_are_written_as_markdown() -> None:
    results = Results(MACHINE, ingestion=(RUN,), targets=targets(ingestion=(RUN,)))

    written = as_markdown(results, version="abc", day=date(2026, 11, 23))

    assert written.startswith("\nCommit abc, 2026-11-23, on 2 x some, 4 GiB, ")
    assert "\n\n### Ingestion, 16 connections\n\n|" in written
    assert "| stored a second, end to end | 30,000 |" in written
    assert "| stored, share of COPY | 50% |" in written
    assert "[green]" not in written


def test_every_part_that_can_be_asked_for_is_measured_and_is_a_field_of_the_results() -> None:
    assert tuple(MEASURES) == PARTS
    assert set(MEASURES) <= {field.name for field in fields(Results)}
