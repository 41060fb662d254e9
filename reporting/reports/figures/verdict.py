"""The answer in a sentence, and what follows from it for shipping: rules, no opinions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.reports.figures.numbers import count_of, plural, share_of, whole_percent_down, whole_percent_up
from reporting.reports.figures.promises import JUDGED
from reporting.reports.model import Decision, Standing, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.reports.model import Incident, Overview, Period, Promise, Tally

LITTLE = Decimal("0.25")
"""Of a budget; with less than that left one ships with care."""
LARGE_INCIDENT = Decimal("0.2")
"""Of a budget, spent by one incident: Google's example of an error budget policy asks for a postmortem then
(https://sre.google/workbook/error-budget-policy/)."""


def verdict(
    period: Period,
    overview: Overview,
    promises: Sequence[Promise],
    incidents: Sequence[Incident],
    remarks: Sequence[str],
    *,
    ends_soon: str | None,
) -> Verdict:
    """Judge a period; `ends_soon` says which budget would not last at the present rate. Promises are worst first."""
    judged = [each for each in promises if each.standing in JUDGED]
    kept = sum(each.standing is Standing.KEPT for each in judged)
    decision, because = decide(judged, promises, incidents, ends_soon)
    return Verdict(
        sentence=sentence(period, overview.requests, promises),
        decision=decision,
        because=because,
        kept=kept,
        judged=len(judged),
        remarks=tuple(remarks),
    )


def sentence(period: Period, requests: Tally, promises: Sequence[Promise]) -> str:
    """Return whether promises were kept, and how requests fared."""
    judged = [each for each in promises if each.standing in JUDGED]
    kept = sum(each.standing is Standing.KEPT for each in judged)
    when = period.title if period.complete else f"{period.title} so far"
    if judged:
        words = f"{when}: {kept:,} of {len(judged):,} {plural('promises', len(judged))} kept."
    elif promises:
        words = f"{when}: too little happened to judge any of {len(promises):,} {plural('promises', len(promises))}."
    else:
        words = f"{when}: nothing was promised."
    return f"{words} {_requests(requests, promises)}"


def decide(
    judged: Sequence[Promise], promises: Sequence[Promise], incidents: Sequence[Incident], ends_soon: str | None
) -> tuple[Decision, str]:
    """Return what the budgets allow, and the rule that says so. The first rule that fits decides."""
    if not judged:
        if not promises:
            return Decision.UNKNOWN, "Nothing is promised, so no budget says anything."
        return Decision.UNKNOWN, "No promise had enough data to be judged."
    spent = [each for each in judged if each.remaining is not None and each.remaining <= 0]
    if spent:
        return Decision.FREEZE, f"The budget of {spent[0].name} is spent: {_spent(spent[0])}."
    little = [each for each in judged if each.remaining_ratio is not None and each.remaining_ratio < LITTLE]
    if little:
        left = whole_percent_down(little[0].remaining_ratio or Decimal(0))
        return Decision.CAREFUL, f"Only {left} of the budget of {little[0].name} is left: {_spent(little[0])}."
    large = [each for each in incidents if each.budget_share is not None and each.budget_share > LARGE_INCIDENT]
    if large:
        worst = max(large, key=lambda each: (each.budget_share or Decimal(0), each.incident_id))
        share = whole_percent_up(worst.budget_share or Decimal(0))
        return Decision.CAREFUL, f"One incident took {share} of the budget of {worst.budget_slo}: {worst.title}."
    if ends_soon:
        return Decision.CAREFUL, ends_soon
    least = judged[0]
    left = whole_percent_down(least.remaining_ratio or Decimal(0))
    return Decision.SHIP, f"Every budget has {left} or more left; the least has {least.name}."


def _requests(requests: Tally, promises: Sequence[Promise]) -> str:
    if not requests.total:
        return "No request was recorded."
    words = f"{share_of(requests.good, requests.total, 'requests')} {'was' if requests.total == 1 else 'were'} good"
    if not requests.bad:
        return f"{words}."
    words += f"; {requests.bad:,} {'was' if requests.bad == 1 else 'were'} not"
    used = _used(requests, promises)
    return f"{words}." if used is None else f"{words}, {whole_percent_up(used)} of what we allow ourselves."


def _used(requests: Tally, promises: Sequence[Promise]) -> Fraction | None:
    """Return consumed ÷ allowed of the promises that count all these requests, one a service; None when none do."""
    largest: dict[str, Promise] = {}
    judged = [promise for promise in promises if promise.standing in JUDGED]
    for each in sorted(judged, key=lambda promise: promise.slo):
        before = largest.get(each.service)
        if each.unit == "requests" and each.allowed and (before is None or _key(each) > _key(before)):
            largest[each.service] = each
    counted = list(largest.values())
    both = sum(each.with_maintenance.total for each in counted), sum(each.with_maintenance.bad for each in counted)
    if both != (requests.total, requests.bad):
        return None
    consumed = sum((Fraction(each.consumed or 0) for each in counted), Fraction(0))
    return consumed / sum(Fraction(each.allowed or 0) for each in counted)


def _key(promise: Promise) -> tuple[int, int]:
    """Prefer what counts the most requests, and of those the fewest bad ones: errors rather than slowness."""
    return promise.with_maintenance.total, -promise.with_maintenance.bad


def _spent(promise: Promise) -> str:
    bad, allowed = count_of(promise.consumed or Decimal(0)), count_of(promise.allowed or Decimal(0))
    return f"{bad} bad {promise.unit}, and {allowed} were allowed"
