"""A subscription: who gets which reports regularly."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from reporting.reports.archive import Paper
    from reporting.reports.schedule import Rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """`next_period` is the first one whose report was not ordered yet, due at `due_at`.

    `audience` are mail addresses; of nobody, its reports are made for the archive.
    """

    subscription_id: str
    rhythm: Rhythm
    audience: tuple[str, ...]
    paper: Paper
    author: str
    created_at: datetime
    next_period: str
    due_at: datetime

    @property
    def audience_digest(self) -> str:
        """What stands for the audience as it is: whoever changes it says by this what he has seen."""
        return sha256("\n".join(self.audience).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """The same of which reports they are sent, when, and on which paper."""
        return sha256(msgspec.json.encode((self.rhythm, self.paper))).hexdigest()
