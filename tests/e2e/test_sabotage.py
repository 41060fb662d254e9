"""A checker that never went red proves nothing: here the product is broken on purpose, and the same checks must see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from app.cli.chaos.faults import Kill, KillAt
from app.cli.chaos.runner import strike
from app.platform import Role

if TYPE_CHECKING:
    from app.cli.chaos.runner import RunOptions, Stage
    from app.cli.chaos.scene import Fault


INSIDE = Path(__file__).with_name("inside")


def sabotage(name: str) -> dict[str, str]:
    """The environment that breaks every process of a platform in one way."""
    return {"INSIDE": name, "PYTHONPATH": str(INSIDE), "SLIPSTREAM_API_PROCESSES": "1"}


def broken_rules(fault: Fault, stage: Stage, options: RunOptions) -> set[str]:
    report = strike("sabotage", fault, stage, replace(options, times=1, patience_s=4.0))
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize("changed", [sabotage("ack-before-the-store")], indirect=True)
def test_an_acknowledgement_before_the_store_is_seen_as_loss(changed: Stage, twice: RunOptions) -> None:
    rules = broken_rules(KillAt("store.before_insert"), changed, twice)

    # The events may have been stored all the same: by a second attempt of their sender.
    assert "batch not accounted for" in rules


@pytest.mark.parametrize("changed", [sabotage("no-conflict-on-events")], indirect=True)
def test_events_without_on_conflict_are_seen_when_one_is_sent_again(changed: Stage, twice: RunOptions) -> None:
    rules = broken_rules(KillAt("store.after_commit"), changed, twice)

    # Batches that hold an event of an earlier one fail until they are given up.
    assert rules & {"batch not accounted for", "dead although PostgreSQL takes it"}


@pytest.mark.parametrize("changed", [sabotage("no-conflict-on-outcomes")], indirect=True)
def test_outcomes_without_on_conflict_are_seen_when_a_batch_comes_again(changed: Stage, twice: RunOptions) -> None:
    rules = broken_rules(KillAt("store.after_commit"), changed, twice)

    assert rules & {"queue did not drain", "dead although PostgreSQL takes it"}


@pytest.mark.parametrize("changed", [{}], indirect=True)
def test_a_202_before_the_disk_is_seen_as_loss(changed: Stage, twice: RunOptions) -> None:
    for worker in changed.platform.processes(Role.WORKER):
        worker.stop()  # What was accepted stays in Valkey.
    with redis.Redis.from_url(changed.platform.instance.redis_url) as client:
        client.config_set("appendonly", "no")

    rules = broken_rules(Kill(Role.VALKEY), changed, twice)

    # The events may have been stored all the same: by a second attempt of their sender.
    assert "batch not accounted for" in rules
