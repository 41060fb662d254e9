"""Compiles a report: everything it says, as of one moment.

1. What is promised in the scope, and what was excluded, is looked up; what promises count is read at once for the period, its
   days and the periods before it.
2. Requests are read by kind for the period and the one before, and by day and quarter of an hour for the period.
3. Incidents and maintenance are measured by the requests of their minutes.
4. The verdict follows from all of that by rules.

Everything is ordered by what it says: the same data make the same report, but for the time it was made at.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from msgspec import structs

from app.core.telemetry.telemetry_store import SERVICE
from app.domain.filters import Source
from reporting.alerts import incidents_store
from reporting.evaluation.books import Books
from reporting.evaluation.percentiles import percentiles
from reporting.reports.figures import requests, scoping
from reporting.reports.figures.accounts import accounts_of, first_and_rest
from reporting.reports.figures.accounts_store import AccountRows
from reporting.reports.figures.burn_downs import burn_downs
from reporting.reports.figures.completeness import balance, gap_minutes, of_account
from reporting.reports.figures.completeness_store import outcomes as event_outcomes
from reporting.reports.figures.counting import Tallier
from reporting.reports.figures.days import calendar_of, durations_by_day
from reporting.reports.figures.incidents import harms, incident_of, minutes_hurt
from reporting.reports.figures.maintenance import maintenance_of, merged, occurrences
from reporting.reports.figures.periods import days_of, minutes_of, periods_before
from reporting.reports.figures.pledges import definitions_of, pledges_of, target_changes
from reporting.reports.figures.promises import JUDGED, Frame, budget_shares, outcome_of, promise_of, worst_first
from reporting.reports.figures.remarks import next_risk, remarks, risk_words
from reporting.reports.figures.requests_store import Rows
from reporting.reports.figures.spans import pieces_of
from reporting.reports.figures.verdict import verdict
from reporting.reports.model import Overview, Report
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.accepted_minutes import AcceptedMinutes
    from app.core.database import Database
    from reporting.alerts import incident
    from reporting.catalogue.catalogue import Catalogue
    from reporting.catalogue.registered import Registered
    from reporting.evaluation.percentiles import Percentiles
    from reporting.maintenance.maintenance import Maintenance, MaintenanceCalendar
    from reporting.reports.figures.completeness import Waiting
    from reporting.reports.figures.counting import Pledge, Span
    from reporting.reports.figures.promises import Outcome
    from reporting.reports.figures.requests import Kinds
    from reporting.reports.figures.requests_store import Quarter
    from reporting.reports.model import Completeness, Incident, Period, Promise, Scope

log = structlog.get_logger(__name__)

TREND = 6
"""Periods, the one of the report included."""
_ID_DIGITS = 10
_NONSENSE = "Its counts make no sense: more were good than there were."


@dataclass(frozen=True, slots=True)
class Compiler:
    """Thread-safe. `waiting` asks the queue what it holds; without it completeness is not judged."""

    database: Database
    catalogue: Catalogue
    maintenance: MaintenanceCalendar
    accepted: AcceptedMinutes
    waiting: Callable[[], Waiting] | None = None

    def compile(self, period: Period, scope: Scope, now: datetime, first: Report | None = None) -> Report:
        """Return the report; `first` is how it was first made, when its period was over.

        Raises `DependencyError`, and `UnknownScopeError` for a scope of which nothing can be known.
        """
        scoping.check(scope)
        waiting = None if self.waiting is None else self.waiting()
        frame = Frame(period, days_of(period), periods_before(period, TREND - 1))
        with self.database.begin(snapshot=True) as connection:
            known = self.catalogue.registered(connection)
            return _Compilation(
                connection=connection,
                registered=[known[name] for name in sorted(known)],
                windows=self.maintenance.read(connection),
                accepted=self.accepted,
                rows=Rows(connection, scoping.rows_of(scope), scope.tier),
                tallier=Tallier(connection, Books(self.accepted), now),
                frame=frame,
                scope=scope,
                now=now,
            ).report(first, waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compilation:
    """One report in the making."""

    connection: Connection
    registered: Sequence[Registered]
    windows: Sequence[Maintenance]
    accepted: AcceptedMinutes
    rows: Rows
    tallier: Tallier
    frame: Frame
    scope: Scope
    now: datetime

    def report(self, first: Report | None, waiting: Waiting | None) -> Report:
        period, scope, frame = self.frame.period, self.scope, self.frame
        pledges = pledges_of(self.connection, self.registered, period, scope, self.windows, since=frame.before[0].start)
        outcomes = self._outcomes(pledges)
        promises = self._promises(outcomes, first)
        kinds, previous = self._kinds(period), self._kinds(frame.before[-1])
        quarters = self.rows.quarters(*self.span)
        accounts = self._account_rows()
        by_account = [] if accounts is None else accounts_of(accounts, period, self.span, over=self.over)
        largest, others = first_and_rest(by_account)
        found = self._incidents(period)
        incidents = self._harmed(found, accounts, outcomes)
        excluded = occurrences(self.windows, self.span, self.service)
        durations = durations_by_day(self.rows, frame.days, over=self.over)
        overview = self._overview(kinds, previous, promises, found)
        risk = next_risk(outcomes, period)
        return Report(
            report_id=report_id(period, scope),
            scope=scope,
            period=period,
            generated_at=self.now,
            title=f"{period.title}: {scoping.words_of(scope)}",
            verdict=verdict(
                period,
                overview,
                promises,
                incidents,
                remarks(promises, risk, period),
                ends_soon=None if risk is None else risk_words(risk, period),
            ),
            overview=overview,
            promises=promises,
            burn_downs=burn_downs(outcomes, frame, self.tallier, incidents),
            routes=requests.routes(kinds, previous),
            days=calendar_of(
                frame.days,
                quarters=quarters,
                durations=durations,
                outcomes=outcomes,
                incidents=incidents,
                excluded=merged(excluded),
            ),
            reasons=requests.reasons(kinds),
            incidents=incidents,
            maintenance=maintenance_of(excluded, self.rows, over=self.over),
            completeness=self._completeness(quarters, waiting),
            accounts=largest,
            other_accounts=others,
            tiers=requests.tiers(kinds),
            definitions=definitions_of(pledges),
            target_changes=target_changes(self.registered, period, scope),
        )

    @property
    def span(self) -> Span:
        return minutes_of(self.frame.period)

    @property
    def over(self) -> int:
        """The minute that now is in: those before it are over."""
        return minute_of(self.now)

    @property
    def service(self) -> str | None:
        return SERVICE if self.scope.account_id is not None else self.scope.service

    def _outcomes(self, pledges: Sequence[Pledge]) -> list[Outcome]:
        for pledge in pledges:
            self.tallier.want(pledge, self.frame.spans(pledge))
        self.tallier.read()
        return worst_first([self._outcome(pledge) for pledge in pledges])

    def _outcome(self, pledge: Pledge) -> Outcome:
        """What is wrong with the figures of one promise concerns no other."""
        try:
            return outcome_of(pledge, self.frame, self.tallier)
        except (ArithmeticError, ValueError):
            log.exception("promise_not_counted", slo=pledge.name)
            return outcome_of(replace(pledge, note=_NONSENSE), self.frame, self.tallier)

    def _promises(self, outcomes: Sequence[Outcome], first: Report | None) -> tuple[Promise, ...]:
        known = self._percentiles([each.pledge for each in outcomes])
        before = {} if first is None or not first.period.complete else {each.slo: each for each in first.promises}
        shares = budget_shares(outcomes)
        promises = []
        for each in outcomes:
            pledge = each.pledge
            made = promise_of(each, self.frame, self.tallier, known.get(pledge), before.get(pledge.name))
            promises.append(structs.replace(made, budget_share=shares.get(pledge.name)))
        return tuple(promises)

    def _percentiles(self, pledges: Sequence[Pledge]) -> dict[Pledge, Percentiles]:
        by_spans: dict[tuple[Span, ...], list[Pledge]] = {}
        for pledge in pledges:
            start, end = self.span
            spans = tuple(pledge.left(start, min(end, pledge.until)))
            if not pledge.note and pledge.measure.source is Source.REQUESTS:
                by_spans.setdefault(spans, []).append(pledge)
        found: dict[Pledge, Percentiles] = {}
        for spans, alike in by_spans.items():
            known = percentiles(self.connection, [pledge.measure for pledge in alike], spans)
            found |= {pledge: each for pledge in alike if (each := known[pledge.measure]) is not None}
        return found

    def _kinds(self, period: Period) -> Kinds:
        pieces = pieces_of(*minutes_of(period), over=self.over)
        return requests.read(self.connection, scoping.rows_of(self.scope), self.scope.tier, pieces)

    def _account_rows(self) -> AccountRows | None:
        if not scoping.concerns_platform(self.scope):
            return None
        return AccountRows(self.connection, account_id=self.scope.account_id, tier=self.scope.tier)

    def _incidents(self, period: Period) -> list[incident.Incident]:
        return incidents_store.between(self.connection, period.start, period.until, service=self.service)

    def _harmed(
        self, found: Sequence[incident.Incident], accounts: AccountRows | None, outcomes: Sequence[Outcome]
    ) -> tuple[Incident, ...]:
        did = harms(
            found,
            self.span,
            rows=self.rows,
            accounts=accounts,
            outcomes=outcomes,
            tallier=self.tallier,
            over=self.over,
        )
        period = self.frame.period
        return tuple(
            incident_of(each, harm, start=period.start, until=period.until, knows_accounts=accounts is not None)
            for each, harm in zip(found, did, strict=True)
        )

    def _overview(
        self, kinds: Kinds, previous: Kinds, promises: Sequence[Promise], found: Sequence[incident.Incident]
    ) -> Overview:
        now, then = requests.together(kinds), requests.together(previous)
        p50, p95, p99 = requests.percentiles_ms(now.histogram)
        period, before = self.frame.period, self.frame.before[-1]
        earlier = self._incidents(before)
        left = [
            each.remaining_ratio for each in promises if each.standing in JUDGED and each.remaining_ratio is not None
        ]
        return Overview(
            requests=now.tally,
            previous=then.tally if then.requests else None,
            limited=now.limited,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            previous_p99_ms=requests.p99_ms(then.histogram),
            budget_remaining_ratio=min(left, default=None),
            incidents=len(found),
            incident_minutes=minutes_hurt(found, period.start, period.until),
            previous_incidents=len(earlier),
            previous_incident_minutes=minutes_hurt(earlier, before.start, before.until),
        )

    def _completeness(self, quarters: Sequence[Quarter], waiting: Waiting | None) -> Completeness | None:
        scope, period = self.scope, self.frame.period
        if scope.tier is not None or not scoping.concerns_platform(scope):
            return None
        gaps = gap_minutes(quarters, self.span)
        known = event_outcomes(self.connection, period.start, period.until, scope.account_id)
        if scope.account_id is not None:
            return of_account(known, gap_minutes=gaps)
        accepted = sum(self.accepted.accepted(self.connection, [self.span], self.now).values())
        return balance(accepted, known, waiting, period.until, over=period.complete, gap_minutes=gaps)


def report_id(period: Period, scope: Scope) -> str:
    """Return the id of the report of a period and scope, whenever it is made."""
    parts = (period.kind, period.name, period.timezone, scope.service, scope.account_id, scope.tier)
    return f"{period.name}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_ID_DIGITS]}"
