"""Turns of those who found no room, without a gate around them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingestion.admission.comebacks import Comebacks
from ingestion.admission.verdict import overloaded

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def waits_of(number: int) -> list[float]:
    """Refuse so many of whom nobody is known, where sixteen a second are served."""
    comebacks = Comebacks(processes=2)
    refusals = [overloaded(None) for _ in range(number)]
    for refusal in refusals:
        comebacks.after_overload("acme", refusal, events=1, served_per_s=16, now=NOW)
    return [refusal.retry_after or 0.0 for refusal in refusals]


def test_strangers_who_find_no_room_come_back_at_the_pace_at_which_they_can_be_served() -> None:
    assert waits_of(33) == pytest.approx([5 + turn / 16 for turn in range(33)])


def test_a_flood_keeps_others_away_for_a_quarter_of_a_minute_at_most() -> None:
    waits = waits_of(2_000)

    assert min(waits) >= 5
    assert 14 < max(waits) <= 15
