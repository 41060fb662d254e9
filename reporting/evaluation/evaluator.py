"""How every SLO stands: definitions, maintenance and counts of one moment, put together.

The SLOs in force are evaluated together, again and again, so their sums are remembered between two evaluations. What is
asked for once (another moment, a definition that is not applied) is summed for that alone.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import structlog

from app.core import deadline
from app.core.counting import backfill
from app.core.errors import DependencyError, OverloadedError
from app.domain.filters import Source
from reporting.catalogue.catalogue import current_of
from reporting.evaluation.event_book import rule_of
from reporting.evaluation.figures import evaluate, spans_of, subject_at, unknown, watched_spans
from reporting.evaluation.measure import measure_of, watched_by
from reporting.evaluation.percentile_cache import Asked, PercentileCache
from reporting.evaluation.percentiles import percentiles
from reporting.evaluation.sliced import around, budgeted, is_sliced, left
from reporting.evaluation.success import WINDOW, measures_for, services_of, success_of
from reporting.evaluation.sums import Sums
from reporting.maintenance.maintenance import excluded
from reporting.slo.objective import ObjectiveVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.catalogue.catalogue import Catalogue
    from reporting.catalogue.registered import Registered
    from reporting.definitions.definition import Definition
    from reporting.evaluation.figures import Evaluation, Subject
    from reporting.evaluation.measure import Measure, Watch
    from reporting.evaluation.percentiles import Percentiles
    from reporting.evaluation.success import Success
    from reporting.evaluation.sums import BookOf
    from reporting.maintenance.maintenance import MaintenanceCalendar
    from reporting.slo.counts import Counts
    from reporting.slo.series import MinuteSeries

    Excluding = Callable[[str, int, int], Sequence[tuple[int, int]]]
    """What is excluded for a service in `[start, end)`, minutes since 1970."""

log = structlog.get_logger(__name__)

_PATIENCE_S = 10.0
"""For the evaluation of another thread; a request's own deadline comes sooner."""


class Shown(NamedTuple):
    """An evaluation with the percentiles of its period so far, without maintenance and with it."""

    evaluation: Evaluation
    percentiles: Percentiles | None
    including_maintenance: Percentiles | None


class Standing(NamedTuple):
    """How every SLO in force stands, by name, and what no SLO says of their services."""

    slos: list[Shown]
    success: list[Success]


class Evaluator:
    """Thread-safe. Methods raise `DependencyError`.

    Where several SLOs are evaluated, nothing but that concerns more than one of them: a mistake in the figures of an SLO
    leaves it without data, one in its time leaves it out. Both are logged.
    """

    def __init__(
        self, database: Database, catalogue: Catalogue, maintenance: MaintenanceCalendar, book_of: BookOf
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._maintenance = maintenance
        self._book_of = book_of
        self._lock = threading.Lock()
        self._standing: tuple[tuple[Measure, ...], Sums] = ((), Sums((), book_of))
        # Alerts are evaluated without waiting for percentiles.
        self._percentiles_lock = threading.Lock()
        self._percentiles = PercentileCache()

    def every(self, now: datetime) -> list[Evaluation]:
        """Return how every SLO in force stands, by name."""
        with _turn(self._lock), self._database.begin(snapshot=True) as connection:
            return self._every(connection, now)[0]

    def every_shown(self, now: datetime) -> list[Shown]:
        """Return the same, with percentiles."""
        return self.standing(now).slos

    def standing(self, now: datetime) -> Standing:
        """Return the same, with the success of their services."""
        with _turn(self._lock), self._database.begin(snapshot=True) as connection:
            evaluations, success = self._every(connection, now)
        with _turn(self._percentiles_lock), self._database.begin(snapshot=True) as connection:
            found = self._percentiles.read(connection, list(_asked(evaluations)), now=now)
        slos = []
        for each in evaluations:
            without = found[each.definition.name, False]
            slos.append(Shown(each, without, found.get((each.definition.name, True), without)))
        return Standing(slos, success)

    def shown(self, registered: Registered, at: datetime) -> list[Shown]:
        """Return how one SLO stands or stood, by the definition of then; nothing when it was not in force."""
        definition = registered.at(at)
        if definition is None:
            return []
        with self._database.begin(snapshot=True) as connection:
            subject = _subject(definition, registered.history, self._excluding(connection), at)
            return _with_percentiles(connection, self._once(connection, [subject], at))

    def counts_of(self, definition: Definition, history: Sequence[ObjectiveVersion], now: datetime) -> Counts | None:
        """Return what a definition, applied or not, counts over its present period; None while that is not known.

        Of events only what a rule has counted is known.
        """
        with self._database.begin(snapshot=True) as connection:
            subject = _subject(definition, history, self._excluding(connection), now)
            (evaluation,) = self._once(connection, [subject], now)
            return evaluation.figures.counts if evaluation.kept and not evaluation.backfilling else None

    def series_of(
        self, definition: Definition, start: int, end: int, now: datetime, *, rule: Watch | None = None
    ) -> MinuteSeries:
        """Return what a definition, or a rule of it, counts minute by minute from `start` on; nothing while that is not known."""
        with self._database.begin(snapshot=True) as connection:
            indicator = definition.indicator
            measure = measure_of(indicator) if rule is None else watched_by(rule, indicator)
            return Sums([measure], self._book_of).series(connection, measure, (start, end), now=now)

    def _every(self, connection: Connection, now: datetime) -> tuple[list[Evaluation], list[Success]]:
        registered = current_of(self._catalogue.registered(connection).values())
        excluding = self._excluding(connection)
        attempts = [_attempted(each.current, each.history, excluding, now) for each in registered if each.current]
        subjects = [subject for subject in attempts if subject is not None]
        services = services_of(subject.definition for subject in subjects)
        counted = [*map(_measures, subjects), *map(measures_for, services)]
        measures = tuple(dict.fromkeys(chain.from_iterable(counted)))
        if measures != self._standing[0]:
            self._standing = (measures, Sums(measures, self._book_of))
        sums = self._standing[1]
        also = {Source.REQUESTS: [WINDOW.at(now).minutes]} if services else {}
        evaluations = _evaluate(connection, sums, subjects, now, also=also)
        return evaluations, [success_of(service, sums.counts, now) for service in services]

    def _excluding(self, connection: Connection) -> Excluding:
        """Return maintenance, worked out once for all SLOs of a service that look at the same time."""
        return cache(partial(excluded, self._maintenance.read(connection)))

    def _once(self, connection: Connection, subjects: Sequence[Subject], now: datetime) -> list[Evaluation]:
        measures = chain.from_iterable(_measures(subject) for subject in subjects)
        return _evaluate(connection, Sums(measures, self._book_of), subjects, now)


@contextmanager
def _turn(lock: threading.Lock) -> Iterator[None]:
    if not lock.acquire(timeout=deadline.left(_PATIENCE_S)):
        raise OverloadedError("slos", "others are evaluating them")
    try:
        yield
    finally:
        lock.release()


def _attempted(
    definition: Definition, history: Sequence[ObjectiveVersion], excluding: Excluding, now: datetime
) -> Subject | None:
    try:
        return _subject(definition, history, excluding, now)
    except Exception:
        log.exception("slo_not_evaluated", slo=definition.name)
        return None


def _subject(
    definition: Definition, history: Sequence[ObjectiveVersion], excluding: Excluding, now: datetime
) -> Subject:
    subject = subject_at(definition, history or (ObjectiveVersion(now, definition.objective),), now)
    return replace(subject, excluded=excluding(definition.service, *around(subject.spans)))


def _evaluate(
    connection: Connection,
    sums: Sums,
    subjects: Sequence[Subject],
    now: datetime,
    *,
    also: Mapping[Source, Sequence[tuple[int, int]]] = MappingProxyType({}),
) -> list[Evaluation]:
    counted = backfill.counted(connection)
    spans: dict[Source, set[tuple[int, int]]] = {source: set(asked) for source, asked in also.items()}
    for subject in subjects:
        asked = spans.setdefault(subject.definition.indicator.source, set())
        asked.update(span for _, span in watched_spans(subject))
        if not is_sliced(subject):
            asked.update(spans_of(subject))
    sums.read(connection, spans, now=now)
    return [_evaluation(connection, sums, subject, counted) for subject in subjects]


def _evaluation(connection: Connection, sums: Sums, subject: Subject, counted: Mapping[str, bool]) -> Evaluation:
    try:
        return _counted(connection, sums, subject, counted)
    except DependencyError:
        raise
    except Exception:
        log.exception("slo_not_evaluated", slo=subject.definition.name)
        return unknown(subject)


def _counted(connection: Connection, sums: Sums, subject: Subject, counted: Mapping[str, bool]) -> Evaluation:
    measure = measure_of(subject.definition.indicator)
    if measure.source is Source.EVENTS:
        complete = counted.get(rule_of(measure).rule_id)
        if not complete:
            return unknown(subject, backfilling=complete is not None, kept=complete is not None)

    def events(rule: Watch, start: int, end: int) -> Counts:
        return sums.counts(watched_by(rule, subject.definition.indicator), start, end)

    if not is_sliced(subject):
        return evaluate(subject, lambda _, start, end: sums.counts(measure, start, end), events=events)
    minutes = sums.series(connection, measure, around(subject.spans), now=subject.at)
    return evaluate(subject, budgeted(minutes), events=events, without_excluded=budgeted(left(minutes, subject)))


def _measures(subject: Subject) -> Iterator[Measure]:
    """Give what is counted for an SLO and its alerts."""
    indicator = subject.definition.indicator
    yield measure_of(indicator)
    for _, rule in subject.watches:
        yield watched_by(rule, indicator)


def _asked(evaluations: Sequence[Evaluation]) -> Iterator[Asked]:
    """Give whose percentiles to read: without maintenance, and with it where there is some."""
    for each in evaluations:
        name, measure, whole = each.definition.name, measure_of(each.definition.indicator), (each.elapsed.minutes,)
        yield Asked((name, False), measure, each.measured)
        if each.measured != whole:
            yield Asked((name, True), measure, whole)


def _with_percentiles(connection: Connection, evaluations: Sequence[Evaluation]) -> list[Shown]:
    by_spans: dict[tuple[tuple[int, int], ...], dict[Measure, None]] = {}
    for each in evaluations:
        for spans in (each.measured, (each.elapsed.minutes,)):
            by_spans.setdefault(spans, {})[measure_of(each.definition.indicator)] = None
    found = {
        (spans, measure): known
        for spans, measures in by_spans.items()
        for measure, known in percentiles(connection, measures, spans).items()
    }

    def of(each: Evaluation, spans: tuple[tuple[int, int], ...]) -> Percentiles | None:
        return found.get((spans, measure_of(each.definition.indicator)))

    return [Shown(each, of(each, each.measured), of(each, (each.elapsed.minutes,))) for each in evaluations]
