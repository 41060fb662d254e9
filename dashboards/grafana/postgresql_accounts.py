"""Accounts, for PostgreSQL: what each of them sends, is answered, and has used."""

from __future__ import annotations

from dashboards.grafana.board import Board
from dashboards.grafana.panel import ERRORS, Kind, Panel, Query, Row, Source
from dashboards.grafana.postgresql_overview import SERVICE
from dashboards.grafana.prometheus_expressions import COUNT, EVENTS_PER_SECOND, PER_SECOND, RATIO
from dashboards.grafana.statements import sql
from dashboards.grafana.variables import Variable

_ACCOUNT = Variable("account", "Account", sql("accounts"))

_EVENTS = (
    Panel(
        title="Events by account",
        about="Stored events in a second, by the time that the events themselves have.",
        unit=EVENTS_PER_SECOND,
        width=12,
        queries=(Query(sql("events_over_time")),),
    ),
    Panel(
        title="Events of the range",
        about="Stored events by account and type, the most first, by the time that they have.",
        kind=Kind.TABLE,
        unit="none",
        width=12,
        queries=(Query(sql("events_by_account")),),
        units={"Events": COUNT, "First": "dateTimeAsIso", "Last": "dateTimeAsIso"},
    ),
)
_REQUESTS = (
    Panel(
        title="Requests by account",
        about="Requests in a second. Beyond 500 accounts a service's others count as __other__.",
        unit=PER_SECOND,
        queries=(Query(sql("account_requests")),),
    ),
    Panel(
        title="Share of failed requests by account",
        about="Answered with 5xx: the platform's fault.",
        unit=RATIO,
        steps=ERRORS,
        queries=(Query(sql("account_failed_ratio")),),
    ),
    Panel(
        title="Refusals",
        about="Requests that were refused in the range: why, and how often.",
        kind=Kind.TABLE,
        unit="none",
        queries=(Query(sql("account_refusals")),),
        units={"Requests": COUNT},
        empty="none",
    ),
)
_LIMITS = (
    Panel(
        title="Accounts by tier",
        about="How many accounts each tier has now.",
        kind=Kind.BARS,
        unit=COUNT,
        queries=(Query(sql("accounts_by_tier")),),
    ),
    Panel(
        title="Quotas reached",
        about="Accounts that were told of 80 or 100 % of a quota in the range.",
        kind=Kind.TABLE,
        unit="none",
        queries=(Query(sql("quotas")),),
        units={"Reached": RATIO, "Events": COUNT, "Quota": COUNT, "Noticed": "dateTimeAsIso"},
        empty="none",
    ),
    Panel(
        title="Circuit breakers",
        about="Circuits that opened, closed or began to ask in the range, and what the cause was.",
        kind=Kind.TABLE,
        unit="none",
        queries=(Query(sql("circuits")),),
        empty="none",
    ),
)

ACCOUNTS = Board(
    subject="accounts",
    title="Accounts",
    about="What each account sends, how it is answered, and what limits it met.",
    source=Source.POSTGRESQL,
    variables=(_ACCOUNT, SERVICE),
    rows=(Row("Events", _EVENTS), Row("Requests", _REQUESTS), Row("Limits", _LIMITS)),
    time_range="now-24h",
)
