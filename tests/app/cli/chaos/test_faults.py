"""A fault that is over leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.faults import armed
from app.cli.chaos.scene import StrikeError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_failpoint_to_which_nobody_came_fires_no_more(tmp_path: Path) -> None:
    marker, limit = tmp_path / "queue.before_run", tmp_path / "queue.before_run.limit"

    with pytest.raises(StrikeError), armed(marker, 3):
        assert limit.read_text() == "3"
        raise StrikeError("Nobody came.")

    assert limit.read_text() == "0"
