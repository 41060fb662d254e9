"""Rows that a process could not store before it ended, in a file beside its counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.core.telemetry.ledger import Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_spool(path: Path, rows: Sequence[Row]) -> None:
    """Leave rows, whole or not at all."""
    part = path.with_suffix(".rows-part")
    part.write_bytes(msgspec.json.encode(rows))
    part.rename(path)


def read_spool(path: Path) -> list[Row] | None:
    """Return the rows; None when there is no file. Raises `msgspec.DecodeError` for one that cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(content, type=list[Row])
