"""One SLO in detail, for PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dashboards.grafana.board import Board
from dashboards.grafana.panel import BUDGET_LEFT, BURN_RATE, ERRORS, Kind, Panel, Query, Row, Source
from dashboards.grafana.postgresql_overview import PERCENTILES, ROUTE, SERVICE, TIER, slo_variable
from dashboards.grafana.prometheus_expressions import COUNT, PER_SECOND, RATIO, SECONDS
from dashboards.grafana.statements import sql

if TYPE_CHECKING:
    from collections.abc import Mapping


def slo_detail(parts: Mapping[str, str]) -> Board:
    """Return the board; `parts` are `promises` and `counts` of the SLOs in force."""
    return Board(
        subject="slo-detail",
        title="SLO in detail",
        about="One SLO: what is left of its budget and how fast it goes, and requests by endpoint and tier.",
        source=Source.POSTGRESQL,
        variables=(slo_variable(several=False), SERVICE, ROUTE, TIER),
        rows=(
            Row("$slo", _numbers(parts)),
            Row("Budget", _budget(parts)),
            Row("Requests by endpoint and tier", _ENDPOINTS),
            Row("Failures", _FAILURES),
        ),
        time_range="now-24h",
    )


def _numbers(parts: Mapping[str, str]) -> tuple[Panel, ...]:
    number = Panel(
        title="Target",
        about="The share of events that has to be good.",
        kind=Kind.NUMBER,
        unit=RATIO,
        width=6,
        height=4,
        decimals=3,
        queries=(Query(sql("slo_target", parts)),),
    )
    return (
        number,
        replace(
            number,
            title="Error budget left",
            about="What is left of the budget over the SLO's window up to the end of the range. Below 0 it is overspent. Maintenance is not left out here; `GET /slos` leaves it out.",
            decimals=1,
            lowest=None,
            steps=BUDGET_LEFT,
            queries=(Query(sql("slo_budget_left", parts)),),
        ),
        replace(
            number,
            title="Good, of all",
            about="The share of good events over the SLO's window.",
            queries=(Query(sql("slo_good_ratio", parts)),),
        ),
        replace(
            number,
            title="Bad events, and how many were allowed",
            about="Over the SLO's window. Allowed are so many of what was counted until now.",
            unit=COUNT,
            decimals=1,
            queries=(Query(sql("slo_bad", parts)),),
        ),
    )


def _budget(parts: Mapping[str, str]) -> tuple[Panel, ...]:
    return (
        Panel(
            title="Burn-down of the error budget",
            about="How the budget of the window that ends with the range was spent, hour by hour, from 1 to what is left.",
            unit=RATIO,
            width=12,
            lowest=None,
            highest=1,
            steps=BUDGET_LEFT,
            queries=(Query(sql("slo_burn_down", parts)),),
        ),
        Panel(
            title="Burn rate by window",
            about="The highest of each point, looking back 5 minutes, 1 hour, 6 hours and 1 day. At 1 the budget lasts exactly for its window.",
            unit=COUNT,
            width=12,
            steps=BURN_RATE,
            queries=(Query(sql("slo_burn_rates", parts)),),
        ),
        Panel(
            title="Share of bad events",
            about="Of all that the SLO counts, in the time of each point.",
            unit=RATIO,
            steps=ERRORS,
            queries=(Query(sql("slo_bad_ratio", parts)),),
        ),
        Panel(
            title="Availability",
            about="The share of good events in the time of each point, with the target beside it.",
            unit=RATIO,
            lowest=None,
            highest=1,
            queries=(Query(sql("slo_availability", parts)),),
        ),
        Panel(
            title="Throughput",
            about="Events that the SLO counts, a second.",
            unit="ops",
            queries=(Query(sql("slo_throughput", parts)),),
        ),
    )


_ENDPOINTS = (
    Panel(
        title="P99 by endpoint",
        about="What 99 of 100 requests to an endpoint do not exceed, within half a per cent.",
        unit=SECONDS,
        queries=(Query(sql("p99_by_route")),),
    ),
    Panel(
        title="Share of failed requests by endpoint",
        about="Requests answered with 5xx, of all to that endpoint.",
        unit=RATIO,
        steps=ERRORS,
        queries=(Query(sql("failed_ratio_by_route")),),
    ),
    Panel(
        title="Requests by endpoint",
        about="Requests in a second, whatever their answer.",
        unit=PER_SECOND,
        queries=(Query(sql("requests_by_route")),),
    ),
    replace(PERCENTILES, title="Percentiles"),
    Panel(
        title="Share of failed requests by tier",
        about="Requests answered with 5xx, of all of that tier. Requests of nobody known have no tier.",
        unit=RATIO,
        steps=ERRORS,
        queries=(Query(sql("failed_ratio_by_tier")),),
    ),
    Panel(
        title="Requests by tier",
        about="Requests in a second of accounts of each tier.",
        unit=PER_SECOND,
        queries=(Query(sql("requests_by_tier")),),
    ),
)
_FAILURES = (
    Panel(
        title="Failures by reason",
        about="Server errors of the range, with their share of all of them.",
        kind=Kind.TABLE,
        unit="none",
        width=12,
        queries=(Query(sql("failures_by_reason")),),
        units={"Requests": COUNT, "Share": RATIO},
        empty="none",
    ),
    Panel(
        title="The last failures",
        about="Single server errors, of which so many a minute are kept, with the id that logs have them by.",
        kind=Kind.TABLE,
        unit="none",
        width=12,
        queries=(Query(sql("last_failures")),),
        units={"Took": SECONDS},
        empty="none",
    ),
)
