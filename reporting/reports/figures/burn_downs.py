"""What was left of the budgets of the worst promises through a period: by day in a month, by hour in a week."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reporting.reports.figures.counting import in_unit
from reporting.reports.figures.periods import hours_of
from reporting.reports.figures.promises import JUDGED
from reporting.reports.model import BurnDown, Kind, Spot
from reporting.slo.exact import difference, quotient
from reporting.slo.windows import instant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.reports.figures.counting import Judged, Tallier
    from reporting.reports.figures.periods import Cell
    from reporting.reports.figures.promises import Frame, Outcome
    from reporting.reports.model import Incident

MOST = 3


def burn_downs(
    outcomes: Sequence[Outcome], frame: Frame, tallier: Tallier, incidents: Sequence[Incident]
) -> tuple[BurnDown, ...]:
    """Return those of the worst promises of which enough is known; `outcomes` are worst first."""
    chosen = [each for each in outcomes if each.standing in JUDGED][:MOST]
    cells = frame.days if frame.period.kind is Kind.MONTHLY else hours_of(frame.period)
    if frame.period.kind is Kind.WEEKLY:
        for each in chosen:
            tallier.want(each.pledge, [(cell.start, cell.end) for cell in cells])
        tallier.read()
    found = []
    for each in chosen:
        by_hour = (tallier.over(each.pledge, cell.start, cell.end) for cell in cells)
        parts = each.days if frame.period.kind is Kind.MONTHLY else tuple(by_hour)
        found.append(
            BurnDown(
                slo=each.pledge.name,
                name=each.pledge.definition.display_name or each.pledge.name,
                line=_line(each, frame, cells, parts),
                pins=tuple(
                    incident.incident_id for incident in incidents if incident.service == each.pledge.definition.service
                ),
            )
        )
    return tuple(found)


def _line(outcome: Outcome, frame: Frame, cells: Sequence[Cell], parts: Sequence[Judged]) -> tuple[Spot, ...]:
    """Return 1 at the start, and behind each part what was left then; a gap on days without data."""
    if outcome.allowed is None:
        return ()
    silent = {day.day for day, judged in zip(frame.days, outcome.days, strict=True) if not judged.counts.total}
    left = outcome.allowed
    spots = [Spot(at=frame.period.start, value=Decimal(1))]
    for cell, judged in zip(cells, parts, strict=True):
        if judged.budget is not None:
            left = difference(left, in_unit(outcome.pledge, judged.budget).consumed)
        value = None if cell.day in silent else quotient(left, outcome.allowed)
        spots.append(Spot(at=instant_of(cell.end), value=value))
    return tuple(spots)
