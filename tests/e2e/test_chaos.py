"""The command itself, as a buyer runs it: on a product that is broken on purpose it is red, and keeps what explains it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.tools
INSIDE = Path(__file__).with_name("inside")
COMMAND = (
    sys.executable,
    "-m",
    "app.cli.main",
    "chaos",
    "--seed",
    "7",
    "--reclaim-after",
    "1",
    "--patience",
    "10",
    "--json",
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the engines' own user can enter."""
    with tempfile.TemporaryDirectory(prefix="slipstream-chaos-") as directory:
        yield Path(directory)


@pytest.mark.parametrize(
    ("sabotage", "fault", "seen"),
    [
        ("accept-before-the-disk", "kill-valkey", ""),
        ("ack-before-the-store", "kill-at-store.before_insert", ""),
        ("no-conflict-on-events", "kill-at-store.after_commit", ""),
        ("no-takeover", "worker-frozen", "Nobody took over from the frozen worker"),
        ("ends-at-once", "api-restarted", "had in hand at SIGTERM 4 were cut"),
        ("mailed-twice", "report-killed", "The report was mailed 2 times"),
        ("no-detour", "network-postgresql-silent", "led through the bad network"),
    ],
)
def test_a_sabotaged_product_is_red_and_what_explains_it_is_kept(
    sabotage: str, fault: str, seen: str, place: Path
) -> None:
    """And so is a fault that does not happen. `seen` is part of what is found."""
    environment = {**os.environ, "INSIDE": sabotage, "PYTHONPATH": str(INSIDE)}

    ended = subprocess.run(
        [*COMMAND, "--fault", fault, "--dir", str(place)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    result = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert not result["green"]
    (struck,) = result["faults"]
    assert struck["red"] == 1
    assert struck["acknowledged"] > 0
    assert any(seen in finding["what"] for finding in result["findings"])
    kept = Path(result["findings"][0]["directory"])
    assert list((kept / "history").glob("*.ndjson"))
    assert (kept / "data" / "valkey.log").exists()
