"""What incidents did within a period: requests and accounts hurt, budget taken, and what had most of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.telemetry.telemetry_store import SERVICE
from reporting.alerts.incident import Source
from reporting.reports.figures.counting import in_unit
from reporting.reports.figures.requests import FIRST_BAD, top
from reporting.reports.figures.spans import pieces_of
from reporting.reports.model import Action, Contributor, Incident
from reporting.slo.exact import quotient
from reporting.slo.windows import instant_of, minute_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from reporting.alerts import incident as alerts
    from reporting.reports.figures.accounts_store import AccountRows
    from reporting.reports.figures.counting import Span, Tallier
    from reporting.reports.figures.promises import Outcome
    from reporting.reports.figures.requests_store import Kind, Rows

EPOCH = instant_of(0)
MOST_CONTRIBUTORS = 3
"""Of each dimension."""


@dataclass(frozen=True, slots=True)
class Harm:
    """What an incident did: requests by kind, bad ones by account, and its part of the budget it took most of."""

    kinds: Mapping[Kind, int]
    accounts: Mapping[str, int]
    budget: tuple[str, Decimal] | None


def span_of(incident: alerts.Incident, start: int, end: int) -> Span:
    """Return the minutes of an incident that lie in a period, those that it began and ended in counted whole."""
    resolved = end if incident.resolved_at is None else -(-_seconds(EPOCH, incident.resolved_at) // 60)
    return max(start, minute_of(incident.started_at)), min(end, resolved)


def harms(
    found: Sequence[alerts.Incident],
    span: Span,
    *,
    rows: Rows,
    accounts: AccountRows | None,
    outcomes: Sequence[Outcome],
    tallier: Tallier,
    over: int,
) -> list[Harm]:
    """Return what each incident did, read together. Accounts are known of the platform itself."""
    spans = [span_of(each, *span) for each in found]
    for each, (start, end) in zip(found, spans, strict=True):
        for outcome in _hurt(outcomes, each):
            tallier.want(outcome.pledge, [(start, end)])
    tallier.read()
    labelled = {number: pieces_of(*each, over=over) for number, each in enumerate(spans)}
    kinds = rows.kinds(labelled, {number: each.service for number, each in enumerate(found)})
    ours = {number: labelled[number] for number, each in enumerate(found) if each.service == SERVICE}
    by_account = accounts.bad(ours) if accounts is not None and ours else {}
    return [
        Harm(kinds[number], by_account.get(number, {}), _budget(_hurt(outcomes, each), spans[number], tallier))
        for number, each in enumerate(found)
    ]


def incident_of(
    found: alerts.Incident, harm: Harm, *, start: datetime, until: datetime, knows_accounts: bool
) -> Incident:
    """Return all that a report says of an incident."""
    resolved, detected = found.resolved_at, found.detected_at
    ended = min(resolved or until, until)
    known = found.source is Source.ALERTS
    bad = sum(count for kind, count in harm.kinds.items() if kind.status >= FIRST_BAD)
    return Incident(
        incident_id=found.incident_id,
        title=found.title,
        service=found.service,
        severity=found.severity,
        source=found.source,
        started_at=found.started_at,
        resolved_at=resolved,
        minutes=_seconds(max(found.started_at, start), ended) // 60,
        requests_bad=bad,
        requests_total=sum(harm.kinds.values()),
        accounts_hurt=len(harm.accounts) if knows_accounts and found.service == SERVICE else None,
        budget_slo=harm.budget and harm.budget[0],
        budget_share=harm.budget and harm.budget[1],
        seconds_to_detect=_seconds(found.started_at, detected) if known else None,
        seconds_to_acknowledge=_seconds(detected, found.acknowledged_at) if found.acknowledged_at else None,
        seconds_to_resolve=_seconds(found.started_at, resolved) if resolved else None,
        acknowledged_by=found.acknowledged_by,
        root_cause=found.root_cause.strip() or None,
        actions=tuple(
            Action(text=each.text, owner=each.owner or None, due=each.due, done=each.done) for each in found.actions
        ),
        contributors=() if found.root_cause.strip() else contributors(harm.kinds, harm.accounts),
    )


def contributors(kinds: Mapping[Kind, int], accounts: Mapping[str, int]) -> tuple[Contributor, ...]:
    """Return what had most of the bad requests, by route, status, account and reason."""
    bad = {kind: count for kind, count in kinds.items() if kind.status >= FIRST_BAD}
    total = sum(bad.values())
    if not total:
        return ()
    by: dict[str, Counter[str]] = {
        "route": Counter(),
        "status": Counter(),
        "account": Counter(accounts),
        "reason": Counter(),
    }
    for kind, count in bad.items():
        by["route"][f"{kind.method} {kind.route}"] += count
        by["status"][str(kind.status)] += count
        if kind.reason:
            by["reason"][kind.reason] += count
    return tuple(
        Contributor(dimension=dimension, value=value, bad=count, share=quotient(count, total))
        for dimension, counts in by.items()
        for value, count in top(counts, MOST_CONTRIBUTORS)
    )


def minutes_hurt(found: Sequence[alerts.Incident], start: datetime, until: datetime) -> int:
    """Return for how many minutes of a period some incident went on; two at once count once."""
    seconds, reached = 0, start
    for each in sorted(found, key=lambda each: each.started_at):
        ended = min(each.resolved_at or until, until)
        seconds += _seconds(max(each.started_at, reached), ended)
        reached = max(reached, ended)
    return seconds // 60


def _hurt(outcomes: Sequence[Outcome], found: alerts.Incident) -> list[Outcome]:
    return [each for each in outcomes if each.pledge.definition.service == found.service and each.allowed]


def _budget(outcomes: Sequence[Outcome], span: Span, tallier: Tallier) -> tuple[str, Decimal] | None:
    """Return the promise that lost the largest part of what it allowed over the period, and that part."""
    taken = []
    for outcome in outcomes:
        budget = tallier.over(outcome.pledge, *span).budget
        if budget is not None and outcome.allowed:
            consumed = in_unit(outcome.pledge, budget).consumed
            if consumed:
                taken.append((quotient(consumed, outcome.allowed), outcome.pledge.name))
    if not taken:
        return None
    share, name = min(taken, key=lambda each: (-each[0], each[1]))
    return name, share


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, int((until - since).total_seconds()))
