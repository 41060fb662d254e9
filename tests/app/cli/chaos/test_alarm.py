"""An alert that is told once, and its end once: everything else is a broken promise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.alarm import FAULTS_S, FIRING, RESOLVED, TOLD_S, Told, definition
from app.cli.chaos.receiver import Receiver
from app.client import Link
from reporting.definitions.load import load

if TYPE_CHECKING:
    from pathlib import Path

KEPT = Told(30.0, 150.0, 1, 1)


def test_an_alert_that_is_told_once_and_ends_once_is_as_promised() -> None:
    assert KEPT.findings == []


@pytest.mark.parametrize(
    "told",
    [
        Told(None, None, 0, 0),
        Told(30.0, 150.0, 2, 1),
        Told(30.0, 150.0, 1, 2),
        Told(30.0, None, 1, 0),
        Told(TOLD_S + FAULTS_S + 1, 150.0, 1, 1),
    ],
    ids=["never", "twice", "ends-twice", "never-ends", "late"],
)
def test_an_alert_that_is_told_otherwise_is_found(told: Told) -> None:
    assert told.findings


def test_the_promise_of_a_run_is_one_that_slipstream_takes() -> None:
    loaded = load("\n---\n".join(json.dumps(document) for document in definition()))

    assert loaded.findings == []
    assert [slo.name for slo in loaded.definitions] == ["chaos"]


def test_a_message_that_comes_twice_under_one_id_counts_once(tmp_path: Path) -> None:
    body = json.dumps({"type": FIRING, "data": {"subject": "incident-1"}}).encode()

    with Receiver(tmp_path / "told.ndjson") as receiver:
        url = receiver.settings["SLIPSTREAM_NOTIFY_TARGETS"].removeprefix("chaos=").removesuffix("/hook")
        with Link(url) as link:
            for message_id in ("a", "a", "b"):
                assert link.post("/hook", body, {"webhook-id": message_id}).status == 204

    assert len(receiver.times(FIRING)) == 2
    assert receiver.times(RESOLVED) == []
    assert len((tmp_path / "told.ndjson").read_text().splitlines()) == 3
