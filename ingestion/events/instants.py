"""When an event happened: what is taken as its timestamp, and how far from now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import msgspec

from ingestion.events.model import AHEAD, Instant

if TYPE_CHECKING:
    from datetime import datetime

_EXAMPLE = "2026-11-22T09:30:00Z"
_NO_ZONE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?")
_LEAP_SECOND = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:60")


@dataclass(frozen=True, slots=True)
class Period:
    """The time from which events are taken now, both ends included."""

    earliest: datetime
    latest: datetime
    retention: timedelta

    @classmethod
    def at(cls, now: datetime, retention: timedelta) -> Period:
        """Build the period from the retention's limit to a day ahead."""
        return cls(now - retention, now + AHEAD, retention)

    def refusal(self, value: object) -> str | None:
        """Say why a parsed JSON value is not taken as a timestamp."""
        if not isinstance(value, str):
            return f"must be a string such as {_EXAMPLE}; numbers are not taken, because their unit would be a guess"
        try:
            instant = msgspec.convert(value, Instant)
        except msgspec.ValidationError:
            return _syntax_refusal(value)
        if self.earliest <= instant <= self.latest:
            return None
        return (
            f"must be from {_rfc3339(self.earliest)} (events are kept for {self.retention.days} days)"
            f" to {_rfc3339(self.latest)} ({AHEAD // timedelta(hours=1)} hours ahead of our clock)"
        )


def _syntax_refusal(text: str) -> str:
    if _NO_ZONE.fullmatch(text):
        return f"has no time zone: add Z or an offset, as in {_EXAMPLE}"
    if _LEAP_SECOND.match(text):
        return "has a second of 60; send a leap second as second 59"
    return f"is not a date and time of RFC 3339, such as {_EXAMPLE}"


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
