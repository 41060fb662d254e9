"""What a run promises, and who is told of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from app.cli.chaos.alarm import FIRING, RESOLVED, definition
from app.cli.chaos.receiver import Receiver
from app.client import Link
from reporting.definitions.load import load

if TYPE_CHECKING:
    from pathlib import Path


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
