"""Time that was excluded, and what happened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reporting.reports.figures.requests import FIRST_BAD, tally
from reporting.reports.figures.spans import pieces_of
from reporting.reports.model import Maintenance
from reporting.slo.windows import instant_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reporting.maintenance import maintenance
    from reporting.reports.figures.counting import Span
    from reporting.reports.figures.requests_store import Rows
    from reporting.reports.figures.spans import Piece


class Occurrence(NamedTuple):
    """One time of maintenance, `[start, end)` in minutes since 1970, as far as it lies in a period."""

    start: int
    end: int
    service: str | None
    author: str
    reason: str
    maintenance_id: str


def occurrences(windows: Iterable[maintenance.Maintenance], span: Span, service: str | None) -> list[Occurrence]:
    """Return the times of maintenance that concern a service, or any, within a span, the first first."""
    return sorted(
        (
            Occurrence(start, end, each.service, each.author, each.reason, each.maintenance_id)
            for each in windows
            if service is None or each.concerns(service)
            for start, end in each.spans(*span)
        ),
        key=lambda each: (each.start, each.end, each.maintenance_id),
    )


def merged(found: Iterable[Occurrence]) -> list[Span]:
    """Return the spans of occurrences without overlaps."""
    spans: list[Span] = []
    for start, end in sorted((each.start, each.end) for each in found):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans


def maintenance_of(found: Sequence[Occurrence], rows: Rows, *, over: int) -> tuple[Maintenance, ...]:
    """Return every occurrence with the requests that came in it."""
    labelled: dict[int, list[Piece]] = {
        number: pieces_of(each.start, each.end, over=over) for number, each in enumerate(found)
    }
    kinds = rows.kinds(labelled, {number: each.service for number, each in enumerate(found) if each.service})
    shown = []
    for number, each in enumerate(found):
        requests = sum(kinds[number].values())
        bad = sum(count for kind, count in kinds[number].items() if kind.status >= FIRST_BAD)
        shown.append(
            Maintenance(
                service=each.service,
                starts_at=instant_of(each.start),
                ends_at=instant_of(each.end),
                author=each.author,
                reason=each.reason,
                excluded=tally(requests - bad, requests),
            )
        )
    return tuple(shown)
