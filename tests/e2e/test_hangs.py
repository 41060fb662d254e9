"""An engine that is there and does not do its part: the API lives, answers everything in time, and all is well afterwards.

The same faults as in the catalogue, shorter, and more readers at once than the API has threads.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.detour import Way
from app.cli.chaos.hangs import BadNetwork, Frozen, LockedTables, NoConnections, SlowInserts
from app.cli.chaos.runner import LATEST_MS, strike
from app.platform import Role

if TYPE_CHECKING:
    from app.cli.chaos.runner import RunOptions, Stage
    from app.cli.chaos.scene import Fault


LONGER_THAN_A_REQUEST_S = 7.0
LONGER_THAN_IS_FORGIVEN_S = 10.0
INSIDE = Path(__file__).with_name("inside")


@pytest.fixture
def once(twice: RunOptions) -> RunOptions:
    return replace(twice, times=1)


WITHOUT_POSTGRESQL: dict[str, Fault] = {
    "frozen": Frozen(Role.POSTGRESQL, seconds=LONGER_THAN_A_REQUEST_S),
    "locked": LockedTables(seconds=LONGER_THAN_A_REQUEST_S),
    "slow-inserts": SlowInserts(seconds=3.0),
    "no-connections": NoConnections(seconds=3.0),
    **{f"network-{way}": BadNetwork(Role.POSTGRESQL, way, seconds=3.0) for way in (Way.SILENT, Way.TRICKLE)},
}
WITHOUT_VALKEY: dict[str, Fault] = {
    "frozen": Frozen(Role.VALKEY, seconds=LONGER_THAN_A_REQUEST_S),
    **{f"network-{way}": BadNetwork(Role.VALKEY, way, seconds=3.0) for way in Way},
}


@pytest.mark.parametrize("name", WITHOUT_POSTGRESQL)
def test_while_postgresql_does_not_do_its_part_events_are_accepted_and_nothing_hangs(
    name: str, stage: Stage, once: RunOptions
) -> None:
    report = strike(f"postgresql-{name}", WITHOUT_POSTGRESQL[name], stage, once)

    assert report.findings == []


@pytest.mark.parametrize("name", WITHOUT_VALKEY)
def test_while_valkey_does_not_do_its_part_nothing_is_falsely_accepted_and_nothing_hangs(
    name: str, stage: Stage, once: RunOptions
) -> None:
    report = strike(f"valkey-{name}", WITHOUT_VALKEY[name], stage, once)

    assert report.findings == []


WAITS_FOR_EVER = {"INSIDE": "no-deadlines", "PYTHONPATH": str(INSIDE), "SLIPSTREAM_API_PROCESSES": "1"}


@pytest.mark.parametrize("changed", [WAITS_FOR_EVER], indirect=True)
def test_a_request_that_waits_for_as_long_as_postgresql_is_silent_is_seen(changed: Stage, once: RunOptions) -> None:
    report = strike("sabotage", Frozen(Role.POSTGRESQL, seconds=LONGER_THAN_IS_FORGIVEN_S), changed, once)

    # By whoever is hurt first: who reads meanwhile, or who sends.
    assert {finding.rule for finding in report.findings} & {"strike missed", f"answer later than {LATEST_MS} ms"}
