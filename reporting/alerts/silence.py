"""A silence: nobody is told of some alerts for a while, by whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.alerts.observation import Silenced


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Holds for `[starts_at, ends_at)`, for alerts that have all that is named; None is any."""

    silence_id: str
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    created_at: datetime
    service: str | None = None
    slo: str | None = None
    severity: str | None = None
    ended_by: str | None = None

    def matches(self, service: str, slo: str, severity: str) -> bool:
        wanted = ((self.service, service), (self.slo, slo), (self.severity, severity))
        return all(mine is None or mine == theirs for mine, theirs in wanted)


def silencer(silences: Sequence[Silence]) -> Silenced:
    """Return whether any of the silences that hold now matches."""
    if not silences:
        return lambda _service, _slo, _severity: False
    return lambda service, slo, severity: any(each.matches(service, slo, severity) for each in silences)
