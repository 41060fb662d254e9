"""An engine away, or full: what needs it is refused honestly, what does not goes on, and afterwards all is as if nothing had been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.chaos.faults import Away, Full
from app.cli.chaos.runner import strike
from app.platform import Role

if TYPE_CHECKING:
    from app.cli.chaos.runner import RunOptions, Stage


def test_without_postgresql_events_are_accepted_as_before_and_stored_when_it_is_back(
    stage: Stage, twice: RunOptions
) -> None:
    report = strike("postgresql", Away(Role.POSTGRESQL, seconds=4.0), stage, twice)

    assert report.findings == []


def test_without_valkey_every_batch_is_refused_and_none_is_falsely_accepted(stage: Stage, twice: RunOptions) -> None:
    away = Away(Role.VALKEY, seconds=2.0, noticed_as=("503 dependency-unavailable",))

    report = strike("valkey", away, stage, twice)

    assert report.findings == []
    assert report.answers["503 dependency-unavailable"] > 0


def test_a_full_valkey_refuses_and_forgets_nothing(stage: Stage, twice: RunOptions) -> None:
    report = strike("full", Full(seconds=2.0), stage, twice)

    assert report.findings == []
