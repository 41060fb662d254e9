"""What went wrong in a period, or was meant to: incidents and maintenance, as a report says them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct


class Tally(Struct, frozen=True, kw_only=True):
    """Good and bad of a total, of what `unit` says. `sli` is good ÷ total, not rounded; None of nothing.

    Of `ratio_timeslices`, whose slices are good in part, `good` is rounded down and `sli` is exact.
    """

    good: int
    bad: int
    total: int
    sli: Decimal | None


class Contributor(Struct, frozen=True, kw_only=True):
    """What had most of the bad requests of an incident: `dimension` is route, status, account or reason."""

    dimension: str
    value: str
    bad: int
    share: Decimal


class Action(Struct, frozen=True, kw_only=True):
    text: str
    owner: str | None = None
    due: date | None = None
    done: bool = False


class Incident(Struct, frozen=True, kw_only=True):
    """What it did between its start and its end, as far as these lie in the period.

    `budget_share` is its part of what the hardest hit promise allowed. Spans are in seconds, None where it has not happened:
    to detect and to resolve from its start, to acknowledge from when it was detected. When people noticed one that they wrote
    down is not known. `accounts_hurt` is known of service slipstream alone: who calls others is what these say.
    `root_cause` and `actions` are people's words; where nobody has given a cause, `contributors` are the likeliest, and are
    shown as such.
    """

    incident_id: str
    title: str
    service: str
    severity: str
    source: str
    started_at: datetime
    resolved_at: datetime | None
    minutes: int
    requests_bad: int
    requests_total: int
    accounts_hurt: int | None
    budget_slo: str | None
    budget_share: Decimal | None
    seconds_to_detect: int | None
    seconds_to_acknowledge: int | None
    seconds_to_resolve: int | None
    acknowledged_by: str | None
    root_cause: str | None
    actions: tuple[Action, ...]
    contributors: tuple[Contributor, ...]


class Maintenance(Struct, frozen=True, kw_only=True):
    """A stretch that was excluded, and what happened in it."""

    service: str | None
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    excluded: Tally
