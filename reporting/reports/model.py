"""What a report says, in numbers and sentences: the one model behind HTML, PDF, CSV and JSON.

Figures are exact: counts are integers, ratios are `Decimal` (a string in JSON) of the counts beside them, times are UTC.
A ratio is None where there is nothing to divide by: no data is never 100 %. How a figure is rounded and coloured is the
business of whoever shows it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from reporting.reports.troubles import Action, Contributor, Incident, Maintenance, Tally

__all__ = ["Action", "Contributor", "Incident", "Maintenance", "Tally"]
"""Parts of a report that are elsewhere, for who knows this module alone."""

SCHEMA = "slipstream.report/1"
"""Changes with the meaning of a field. A field that is added leaves it as it is."""


class Standing(StrEnum):
    """How a promise, or a day of it, came out."""

    KEPT = "kept"
    MISSED = "missed"
    LOW_TRAFFIC = "low-traffic"  # too few to tell
    NO_DATA = "no-data"


class Decision(StrEnum):
    """What the error budget policy says of shipping."""

    SHIP = "ship"
    CAREFUL = "careful"
    FREEZE = "freeze"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Scope(Struct, frozen=True, kw_only=True):
    """Whose requests and promises: of one service or of all, and of them an account's or a tier's alone."""

    service: str | None = None
    account_id: str | None = None
    tier: str | None = None


class Period(Struct, frozen=True, kw_only=True):
    """`name` is `2026-10` or `2026-W43`; `[start, end)` are its edges in `timezone`, given in UTC.

    `until` is where the figures end: `end`, or earlier when the period was not over.
    """

    kind: Kind
    name: str
    title: str
    timezone: str
    start: datetime
    end: datetime
    until: datetime

    @property
    def complete(self) -> bool:
        return self.until == self.end


class Verdict(Struct, frozen=True, kw_only=True):
    """`sentence` answers whether promises were kept; `because` is the rule behind `decision`; `remarks` are up to three more."""

    sentence: str
    decision: Decision
    because: str
    kept: int
    judged: int
    remarks: tuple[str, ...]


class Overview(Struct, frozen=True, kw_only=True):
    """All requests of the scope over the period: bad is 5xx. `previous` is the period before it, over its whole length."""

    requests: Tally
    previous: Tally | None
    limited: int  # answered 429: shown as degraded, not bad
    p50_ms: Decimal | None
    p95_ms: Decimal | None
    p99_ms: Decimal | None
    previous_p99_ms: Decimal | None
    budget_remaining_ratio: Decimal | None  # the least of all promises that were kept or missed
    incidents: int
    incident_minutes: int
    previous_incidents: int
    previous_incident_minutes: int


class Spot(Struct, frozen=True, kw_only=True):
    """One point of a line; None is a gap."""

    at: datetime
    value: Decimal | None


class TargetChange(Struct, frozen=True, kw_only=True):
    slo: str
    at: datetime
    before: Decimal | None
    after: Decimal | None
    by: str


class Promise(Struct, frozen=True, kw_only=True):
    """One SLO over the period of the report, without maintenance; `with_maintenance` is the same with it.

    `target` held at the end of the period; each part of the period is judged by the target of its time, and `allowed` and
    `consumed` are the sums of the parts, in `unit` (`requests`, `events`, or `minutes` of slices).
    `budget_share` is this promise's part of all that promises of its unit consumed. `trend` are its last periods, oldest
    first, this one last; of slices there are two. `note` says why nothing is known of it, where that has another reason than
    that nothing happened.
    """

    slo: str
    name: str
    service: str
    sentence: str  # the objective in plain words
    owner: str
    target: Decimal
    target_changed: bool
    unit: str
    budgeting_method: str
    standing: Standing
    tally: Tally
    with_maintenance: Tally
    allowed: Decimal | None
    consumed: Decimal | None
    remaining: Decimal | None
    remaining_ratio: Decimal | None
    previous: Tally | None
    change: Decimal | None  # of the SLI, in ratio points
    trend: tuple[Spot, ...]
    p50_ms: Decimal | None
    p95_ms: Decimal | None
    p99_ms: Decimal | None
    restated: bool  # it was different when this report was first made: late records restate the past
    budget_share: Decimal | None = None
    note: str = ""


class BurnDown(Struct, frozen=True, kw_only=True):
    """What was left of a promise's budget through the period, 1 at its start; `pins` are incidents' ids."""

    slo: str
    name: str
    line: tuple[Spot, ...]
    pins: tuple[str, ...]


class Route(Struct, frozen=True, kw_only=True):
    service: str
    method: str
    route: str
    requests: Tally
    limited: int
    p50_ms: Decimal | None
    p95_ms: Decimal | None
    p99_ms: Decimal | None
    previous_sli: Decimal | None
    previous_p99_ms: Decimal | None


class Day(Struct, frozen=True, kw_only=True):
    """A day of the report's time zone.

    `busiest_minute` are the requests of the mean minute of its busiest quarter of an hour, rounded down. `maintenance_minutes`
    are those in which some service of the scope was excluded.
    """

    day: date
    requests: Tally
    limited: int
    standing: Standing
    busiest_minute: int
    p99_ms: Decimal | None
    incidents: int
    maintenance_minutes: int


class Reason(Struct, frozen=True, kw_only=True):
    """Why requests were bad. `share` is its part of all bad ones; as shown they add up to 1 (`figures.shares`).

    Beyond the first twelve the rest is one more, with the status 0 and the reason `__other__`.
    """

    status: int
    reason: str
    sentence: str
    bad: int
    share: Decimal


class Completeness(Struct, frozen=True, kw_only=True):
    """Events by the time of their 202: accepted = stored + duplicates + dead + in flight.

    `balanced` is None where it cannot be known: of one account, whose accepted events are those with an outcome, while the
    queue has not been asked, and while more come in. `gap_minutes` are those of whole quarters of an hour without any record of requests.
    """

    accepted: int
    stored: int
    duplicates: int
    dead: int
    in_flight: int
    balanced: bool | None
    late: int  # stored more than a minute after the 202
    gap_minutes: int


class Account(Struct, frozen=True, kw_only=True):
    """An account by volume, and how protection treated it.

    `events` are those stored, by their own time; `share` is its part of all of them. Requests are those to service slipstream.
    """

    account_id: str
    name: str
    tier: str
    requests: int
    events: int
    share: Decimal | None
    bad: int
    limited: int
    refused: int  # 503 of its own circuit breaker or of overload
    breaker_opened: int
    quota_notices: int


class TierVolume(Struct, frozen=True, kw_only=True):
    tier: str
    requests: Tally
    limited: int


class Definition(Struct, frozen=True, kw_only=True):
    """What is counted, in words, and the text it comes from."""

    slo: str
    good: str
    total: str
    target: Decimal
    window: str
    budgeting_method: str
    description: str


class Report(Struct, frozen=True, kw_only=True):
    """`report_id` follows from the kind, period, time zone and scope: the same report has the same id."""

    schema: str = SCHEMA
    report_id: str
    scope: Scope
    period: Period
    generated_at: datetime
    title: str
    verdict: Verdict
    overview: Overview
    promises: tuple[Promise, ...]  # worst first
    burn_downs: tuple[BurnDown, ...]  # of the worst three
    routes: tuple[Route, ...]
    days: tuple[Day, ...]
    reasons: tuple[Reason, ...]
    incidents: tuple[Incident, ...]
    maintenance: tuple[Maintenance, ...]
    completeness: Completeness | None  # of service slipstream, None of others and of one tier
    accounts: tuple[Account, ...]
    other_accounts: Account | None  # those beyond the first fifty, together
    tiers: tuple[TierVolume, ...]
    definitions: tuple[Definition, ...]
    target_changes: tuple[TargetChange, ...]
