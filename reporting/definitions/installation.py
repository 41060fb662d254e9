"""What the settings of an installation have to say about definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Installation:
    """Names of the targets of notifications, and for how long counts are kept by the minute. None of what is not known, as offline."""

    targets: Collection[str] | None = None
    minutes_kept: timedelta | None = None


UNKNOWN = Installation()
