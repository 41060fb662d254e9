"""The demo's reports, compared with what was imported and sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.cli.demo.data import Claimed
from app.cli.demo.reports import PROMISE, wrong_figures
from app.cli.demo.verdict import NOTHING
from app.core.clock import Clock

CLAIMED = Claimed(datetime(2026, 11, 22, 12, tzinfo=UTC), Clock(), goes_on=False)


def figures(*, requests: int, accepted: int) -> tuple[dict[str, Any], dict[str, Any]]:
    promises = [{"slo": "availability", "tally": {"total": 7}}, {"slo": PROMISE.stem, "tally": {"total": requests}}]
    return {"promises": promises}, {"completeness": {"accepted": accepted}}


def test_reports_say_what_was_imported_and_sent() -> None:
    evidence = replace(NOTHING, accepted=27_004)

    assert wrong_figures(*figures(requests=9_999, accepted=27_004), evidence, CLAIMED, 9_999) == []
    both = wrong_figures(*figures(requests=9_998, accepted=27_003), evidence, CLAIMED, 9_999)
    assert ["9,998" in both[0], "27,003" in both[1]] == [True, True]


def test_a_demo_that_goes_on_has_weeks_of_its_own() -> None:
    claimed = replace(CLAIMED, goes_on=True)

    assert wrong_figures(*figures(requests=1, accepted=2), NOTHING, claimed, 0) == []
