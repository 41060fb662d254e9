"""Kill every process at any moment and at the worst ones: nothing with a 202 is missing, nothing is stored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.catalogue import FAULTS
from app.cli.chaos.faults import KillAt
from app.cli.chaos.runner import strike

if TYPE_CHECKING:
    from app.cli.chaos.runner import RunOptions, Stage


KILLS = [name for name in FAULTS if name.startswith("kill-")]


@pytest.mark.parametrize("name", KILLS)
def test_what_was_accepted_is_stored_once_when_processes_are_killed_under_load(
    name: str, stage: Stage, twice: RunOptions
) -> None:
    fault = FAULTS[name].fault

    report = strike(name, fault, stage, twice)

    assert report.findings == []
    assert len(report.rounds) == 2
    assert all(one.to_first_202_s is not None and one.to_drain_s is not None for one in report.rounds)
    if isinstance(fault, KillAt):
        assert len((stage.directory / "markers" / fault.failpoint).read_text().splitlines()) >= 2
