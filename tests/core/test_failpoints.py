from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
from app.core.failpoints import FailpointError, failpoint
for _ in range(100):
    try:
        failpoint("here")
        failpoint("elsewhere")
    except FailpointError:
        print("hit")
"""


def test_processes_that_come_at_once_hit_as_often_as_is_allowed_and_the_marker_says_who(tmp_path: Path) -> None:
    marker = tmp_path / "here"
    marker.with_name("here.limit").write_text("5")

    def run(_number: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"SLIPSTREAM_FAILPOINTS": f"here=fail@{marker}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    with ThreadPoolExecutor(4) as threads:
        hits = "".join(threads.map(run, range(4))).splitlines()

    assert hits == ["hit"] * 5
    assert [line.split()[0] for line in marker.read_text().splitlines()] == ["here"] * 5


def test_a_process_that_nobody_armed_does_nothing() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], env={}, capture_output=True, text=True, check=True)

    assert result.stdout == ""
