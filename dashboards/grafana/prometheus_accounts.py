"""Accounts, for Prometheus. No label holds an account: what one of them does is in PostgreSQL's dashboard."""

from __future__ import annotations

from dashboards.grafana.board import Board
from dashboards.grafana.panel import Panel, Query, Row, Source
from dashboards.grafana.prometheus_expressions import (
    COUNT,
    EVENTS_PER_SECOND,
    PER_SECOND,
    RATIO,
    failed_ratio,
    rate,
    ratio,
)
from dashboards.grafana.prometheus_overview import ROUTE, TIER
from dashboards.prometheus.queries import ACCEPTED, REQUESTS

_OF = ('tier=~"$tier"', 'route=~"$route"', 'tier!=""')
_REFUSED = 'status="429"'

_TIERS = (
    Panel(
        title="Requests by tier",
        about="Requests in a second of the accounts of each tier.",
        unit=PER_SECOND,
        queries=(Query(rate(REQUESTS, *_OF, by="tier"), "{{tier}}"),),
    ),
    Panel(
        title="Share of failed requests by tier",
        about="Answered with 5xx: the platform's fault.",
        unit=RATIO,
        queries=(Query(failed_ratio(*_OF, by="tier"), "{{tier}}"),),
    ),
    Panel(
        title="Share of limited requests by tier",
        about="Answered with 429: above a rate or a quota. They are answers, and no failures.",
        unit=RATIO,
        queries=(Query(ratio(rate(REQUESTS, *_OF, _REFUSED, by="tier"), rate(REQUESTS, *_OF, by="tier")), "{{tier}}"),),
    ),
)
_PROTECTION = (
    Panel(
        title="Refusals by reason",
        about="429 and 503 in a second, by the slug of the problem that the answer named.",
        unit=PER_SECOND,
        width=12,
        queries=(Query(rate(REQUESTS, *_OF, 'status=~"429|503"', by="reason"), "{{reason}}"),),
    ),
    Panel(
        title="Events accepted by tier",
        about="Events answered with 202, a second.",
        unit=EVENTS_PER_SECOND,
        width=12,
        queries=(Query(rate(ACCEPTED, 'tier=~"$tier"', by="tier"), "{{tier}}"),),
    ),
    Panel(
        title="Circuit breakers that changed",
        about="In the range of time that each point looks back on, by the state that they came to.",
        unit=COUNT,
        queries=(Query("sum by (after) (increase(slipstream_circuit_changes_total[$__rate_interval]))", "{{after}}"),),
    ),
    Panel(
        title="Quota notices",
        about="Accounts that reached 80 or 100 % of a quota, in the range that each point looks back on.",
        unit=COUNT,
        queries=(
            Query("sum by (threshold) (increase(slipstream_quota_notices_total[$__rate_interval]))", "{{threshold}} %"),
        ),
    ),
    Panel(
        title="Strangers refused",
        about="Requests a second that were refused before their key was looked at, by the limit that they met.",
        unit=PER_SECOND,
        queries=(Query(rate("slipstream_strangers_refused_total", by="limit"), "{{limit}}"),),
    ),
)

ACCOUNTS = Board(
    subject="accounts",
    title="Accounts",
    about="How tiers are served, and what protects them from each other.",
    source=Source.PROMETHEUS,
    variables=(TIER, ROUTE),
    rows=(Row("Tiers", _TIERS), Row("Protection", _PROTECTION)),
)
