"""Whether everything that was accepted is accounted for: accepted = stored + duplicates + dead + in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reporting.evaluation.tiles import QUARTER
from reporting.reports.model import Completeness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.reports.figures.completeness_store import Outcomes
    from reporting.reports.figures.counting import Span
    from reporting.reports.figures.requests_store import Quarter


class Waiting(NamedTuple):
    """What the queue holds now: events, and when the first of them was accepted; None of nothing."""

    events: int
    oldest: datetime | None


def balance(
    accepted: int, known: Outcomes, waiting: Waiting | None, until: datetime, *, over: bool, gap_minutes: int
) -> Completeness:
    """Say whether events add up. What is in flight was accepted before `until` only if the queue's first one was.

    While a period is not `over`, events come in between one look and the next: then a difference proves nothing.
    """
    missing = accepted - known.stored - known.duplicates - known.dead
    if waiting is None:
        return _completeness(accepted, known, in_flight=max(0, missing), balanced=None, gaps=gap_minutes)
    none_left = waiting.oldest is None or waiting.oldest >= until
    in_flight = 0 if none_left and over else max(0, missing)
    adds_up = missing == 0 if none_left else 0 <= missing <= waiting.events
    balanced = None if not over and not adds_up else adds_up
    return _completeness(accepted, known, in_flight=in_flight, balanced=balanced, gaps=gap_minutes)


def of_account(known: Outcomes, *, gap_minutes: int) -> Completeness:
    """Return the same of one account, of which only events with an outcome are counted."""
    accepted = known.stored + known.duplicates + known.dead
    return _completeness(accepted, known, in_flight=0, balanced=None, gaps=gap_minutes)


def gap_minutes(quarters: Sequence[Quarter], span: Span) -> int:
    """Return the minutes of the whole quarters of an hour of a span that have no requests."""
    start, end = -(-span[0] // QUARTER), span[1] // QUARTER
    seen = {quarter.start // QUARTER for quarter in quarters if quarter.requests}
    return QUARTER * sum(number not in seen for number in range(start, end))


def _completeness(accepted: int, known: Outcomes, *, in_flight: int, balanced: bool | None, gaps: int) -> Completeness:
    return Completeness(
        accepted=accepted,
        stored=known.stored,
        duplicates=known.duplicates,
        dead=known.dead,
        in_flight=in_flight,
        balanced=balanced,
        late=known.late,
        gap_minutes=gaps,
    )
