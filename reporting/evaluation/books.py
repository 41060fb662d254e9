"""The book of each source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.filters import Source
from reporting.evaluation.event_book import EventBook
from reporting.evaluation.ingestion_book import IngestionBook
from reporting.evaluation.request_book import RequestBook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.accepted_minutes import AcceptedMinutes
    from reporting.evaluation.measure import Book, Measure


class Books:
    """Makes books."""

    def __init__(self, accepted: AcceptedMinutes) -> None:
        self._accepted = accepted

    def __call__(self, source: Source, measures: Sequence[Measure]) -> Book:
        if source is Source.REQUESTS:
            return RequestBook(measures)
        if source is Source.EVENTS:
            return EventBook(measures)
        return IngestionBook(measures, self._accepted)
