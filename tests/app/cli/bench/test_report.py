from __future__ import annotations

from rich.console import Console

from app.cli.bench.report import print_results
from app.cli.bench.results import Machine, Results
from app.cli.bench.targets import compare
from tests.app.cli.bench.test_results import RUN

MACHINE = Machine("some", 2, 4.0, "6", "3.11", "18", "9", "ext4", 0.0)


def test_beside_a_figure_that_has_a_target_stand_the_goal_and_whether_it_is_met() -> None:
    console = Console(record=True, width=200)

    print_results(Results(MACHINE, (RUN,), None, None, (), None, compare((RUN,), None)), console)

    table, _, _ = console.export_text().partition("Targets")
    assert "≤ 4.2 x COPY: met" in table
    assert "≥ 50% of COPY: met" in table
