"""When a recovery was too slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.chaos.history import History
from app.cli.chaos.runner import Report, Round

LIMIT_S = 30.0


def report(*rounds: Round, gap_s: float = 0.0) -> Report:
    return Report("kill-api", "SIGKILL of the api", Path(), rounds=list(rounds), longest_gap_s=gap_s)


@pytest.mark.parametrize("late", [Round(31.0, 31.0), Round(0.1, 31.0), Round(None, None), Round(0.1, None)])
def test_a_recovery_that_is_late_or_never_comes_is_found(late: Round) -> None:
    struck = report(Round(0.1, 2.0), late)

    struck.check_recovery(LIMIT_S)

    assert struck.findings


def test_a_recovery_in_time_is_green() -> None:
    struck = report(Round(0.1, 2.0), gap_s=29.0)

    struck.check_recovery(LIMIT_S, by_itself=True)

    assert struck.findings == []


def test_time_without_a_202_counts_where_nothing_was_to_be_mended() -> None:
    struck, away = (report(Round(0.1, 2.0), gap_s=31.0) for _ in range(2))

    struck.check_recovery(LIMIT_S, by_itself=True)
    away.check_recovery(LIMIT_S)

    assert [finding.rule for finding in struck.findings] == ["no 202 for more than 30 s"]
    assert away.findings == []


def test_the_longest_gap_is_between_the_202s_of_all_clients() -> None:
    assert History(accepted_at_ms=[1_000, 9_000, 2_000, 6_500]).longest_gap_ms == 4_500
    assert History(accepted_at_ms=[1_000]).longest_gap_ms == 0
