"""Which promises a report is about, by the definitions of its time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.counting import backfill
from app.domain.filters import Source
from reporting.evaluation.event_book import rule_of
from reporting.evaluation.measure import measure_of
from reporting.maintenance.maintenance import excluded
from reporting.reports.figures import minutes_store
from reporting.reports.figures.counting import Pledge
from reporting.reports.figures.scoping import restricted
from reporting.reports.figures.words import good_words, total_words
from reporting.reports.model import Definition, TargetChange
from reporting.slo.objective import ObjectiveVersion, effective_target
from reporting.slo.windows import MINUTE, minute_of
from reporting.slo_view import window_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from reporting.catalogue.registered import Registered
    from reporting.definitions import definition
    from reporting.maintenance.maintenance import Maintenance
    from reporting.reports.model import Period, Scope

_BACKFILLING = "Its events are still being counted."
_NOT_KEPT = "Its events were counted by another definition then."
_THINNED = "Its slices are made of minutes, which are no longer kept for all of this time."


def pledges_of(
    connection: Connection,
    registered: Iterable[Registered],
    period: Period,
    scope: Scope,
    maintenance: Sequence[Maintenance],
    *,
    since: datetime,
) -> list[Pledge]:
    """Return the promises of a scope that held in a period, by name, with maintenance from `since` on."""
    counted = backfill.counted(connection)
    minutes_from = minutes_store.kept_from(connection)
    found = []
    for each in registered:
        held = _held(each, period)
        if held is None:
            continue
        chosen, until = held
        narrowed = restricted(chosen, scope)
        if narrowed is None:
            continue
        last = until - MINUTE
        history = each.history or (ObjectiveVersion(last, chosen.objective),)
        pledge = Pledge(
            definition=narrowed,
            history=history,
            objective=effective_target(history, last) or chosen.objective,
            until=minute_of(until),
            excluded=excluded(maintenance, chosen.service, minute_of(since), minute_of(period.until)),
            note=_note(narrowed, counted),
        )
        thinned = pledge.by_minute and minute_of(period.start) < minutes_from
        found.append(replace(pledge, note=_THINNED) if thinned else pledge)
    return sorted(found, key=lambda pledge: pledge.name)


def definitions_of(pledges: Iterable[Pledge]) -> tuple[Definition, ...]:
    """Say in words what promises count."""
    return tuple(
        Definition(
            slo=pledge.name,
            good=good_words(pledge.definition.indicator),
            total=total_words(pledge.definition.indicator),
            target=pledge.objective.target,
            window=window_text(pledge.definition),
            budgeting_method=pledge.objective.method,
            description=pledge.definition.description,
        )
        for pledge in pledges
    )


def target_changes(registered: Iterable[Registered], period: Period, scope: Scope) -> tuple[TargetChange, ...]:
    """Return what was promised anew, otherwise, or no more within a period, in the order of time."""
    found = []
    for each in registered:
        before: definition.Definition | None = None
        for version in each.versions:
            chosen = version.definition
            held = chosen or before
            after = None if chosen is None else chosen.objective.target
            target = None if before is None else before.objective.target
            within = period.start <= version.effective_from < period.until
            if within and version.understood and after != target and held and restricted(held, scope):
                found.append(
                    TargetChange(
                        slo=each.name, at=version.effective_from, before=target, after=after, by=version.applied_by
                    )
                )
            before = chosen
    return tuple(sorted(found, key=lambda change: (change.at, change.slo)))


def _held(registered: Registered, period: Period) -> tuple[definition.Definition, datetime] | None:
    """Return what held last in a period, and until when; what was first promised later measures what was before."""
    found = None
    for version in registered.versions:
        if version.effective_from >= period.until and version is not registered.versions[0]:
            break
        if version.definition is not None:
            found = version.definition, period.until
        elif found is not None:
            until = max(period.start, version.effective_from)
            found = None if until == period.start else (found[0], min(until, period.until))
    return found


def _note(chosen: definition.Definition, counted: Mapping[str, bool]) -> str:
    if chosen.indicator.source is not Source.EVENTS:
        return ""
    complete = counted.get(rule_of(measure_of(chosen.indicator)).rule_id)
    return "" if complete else _NOT_KEPT if complete is None else _BACKFILLING
