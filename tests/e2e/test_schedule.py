"""What is scheduled survives the death of whoever moves it."""

from __future__ import annotations

import importlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from app.cli.chaos.faults import KillAt
from app.cli.chaos.runner import strike
from app.core.queue.stream_huey import StreamHuey
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from app.cli.chaos.runner import RunOptions, Stage


INSIDE = Path(__file__).with_name("inside")
SETTINGS = {"INSIDE": "scheduled-probe", "PYTHONPATH": str(INSIDE), "SLIPSTREAM_API_PROCESSES": "1"}
TASKS = 1_000  # All due at the same moment: several steps of the mover, which dies between two.
PATIENCE_S = 60


@pytest.mark.parametrize("changed", [SETTINGS], indirect=True)
def test_every_scheduled_task_runs_though_the_mover_is_killed_between_two_steps(
    changed: Stage, twice: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(INSIDE)
    probe = importlib.import_module("schedule_probe")
    url = changed.platform.instance.redis_url
    task = probe.register_probe(StreamHuey(client=Valkey(url)))
    for number in range(TASKS):
        task.schedule(args=(number,), delay=2)

    report = strike("mover", KillAt("queue.schedule_mover"), changed, replace(twice, times=2))

    assert report.findings == []
    with redis.Redis.from_url(url) as client:
        deadline = time.monotonic() + PATIENCE_S
        while (ran := {int(n) for n in client.lrange(probe.TRACE, 0, -1)}) != set(range(TASKS)):
            assert time.monotonic() < deadline, f"{TASKS - len(ran)} tasks never ran"
            time.sleep(0.05)
