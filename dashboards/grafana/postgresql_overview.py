"""The overview for PostgreSQL: the same questions as Prometheus's, of every service, and as far back as anything is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards.grafana.board import Board, address_of
from dashboards.grafana.panel import BURN_RATE, ERRORS, Kind, Panel, Query, Row, Source
from dashboards.grafana.prometheus_expressions import COUNT, EVENTS_PER_SECOND, PER_SECOND, RATIO, SECONDS
from dashboards.grafana.statements import sql
from dashboards.grafana.variables import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = Variable("service", "Service", sql("services"))
ROUTE = Variable("route", "Route", sql("routes"))
TIER = Variable("tier", "Tier", sql("tiers"))

THROUGHPUT = Panel(
    title="Requests answered",
    about="Requests in a second, by the first digit of their status. 4xx are answers, and no failures.",
    unit=PER_SECOND,
    queries=(Query(sql("requests_by_class")),),
)
FAILED = Panel(
    title="Share of failed requests",
    about="Requests answered with 5xx, of all. Without requests there is no share.",
    unit=RATIO,
    steps=ERRORS,
    queries=(Query(sql("failed_ratio")),),
)
PERCENTILES = Panel(
    title="Time to answer",
    about="What 50, 95 and 99 of 100 requests do not exceed, within half a per cent: counted, not sampled. Requests without a duration are not in it.",
    unit=SECONDS,
    queries=(Query(sql("percentiles")),),
)


def slo_variable(*, several: bool) -> Variable:
    """Return the choice of SLOs that are promised now."""
    return Variable("slo", "SLO", sql("slos"), several=several)


def overview(parts: Mapping[str, str]) -> Board:
    """Return the board; `parts` are `promises` and `counts` of the SLOs in force."""
    promises = Panel(
        title="Promises",
        about="Each SLO over its own window up to the end of the range: the share that was good, what is left of the error budget (below 0 it is overspent), and the counts behind them. Maintenance is not left out here; `GET /slos` leaves it out.",
        kind=Kind.TABLE,
        unit="none",
        width=24,
        queries=(Query(sql("slo_stands", parts)),),
        units={"target": RATIO, "Good, of all": RATIO, "Budget left": RATIO, "Bad": COUNT, "Total": COUNT},
        links={"slo": address_of("slo-detail", Source.POSTGRESQL, "var-slo=${__data.fields.slo}")},
    )
    burning = Panel(
        title="Burn rate",
        about="How many times faster than allowed budgets are spent, in the time of each point. At 1 a budget lasts exactly for its window.",
        unit=COUNT,
        width=12,
        steps=BURN_RATE,
        queries=(Query(sql("slo_burn_by_slo", parts)),),
    )
    firing = Panel(
        title="Alerts firing",
        about="Alerts that fire now, acknowledged ones among them. An empty table is good news only while alerts are evaluated.",
        kind=Kind.TABLE,
        unit="none",
        width=8,
        queries=(Query(sql("alerts_firing")),),
        units={"Since": "dateTimeAsIso"},
        empty="none",
    )
    evaluated = Panel(
        title="Alerts evaluated",
        about="How long ago alerts were evaluated. Beyond two minutes the API pages by itself.",
        kind=Kind.NUMBER,
        unit=SECONDS,
        width=4,
        decimals=0,
        queries=(Query(sql("alerts_evaluated")),),
    )
    incidents = Panel(
        title="Incidents",
        about="Incidents that lasted into the range of time, open ones first.",
        kind=Kind.TABLE,
        unit="none",
        width=12,
        queries=(Query(sql("incidents_open")),),
        units={"Began": "dateTimeAsIso", "Ended": "dateTimeAsIso"},
        empty="none",
    )
    events = Panel(
        title="Events settled",
        about="Events that left the queue, a second, by the minute of their 202: stored, a duplicate of a stored one, or dead.",
        unit=EVENTS_PER_SECOND,
        width=12,
        queries=(Query(sql("events_settled")),),
    )
    return Board(
        subject="overview",
        title="Overview",
        about="Which promise is in danger, of every service, as far back as anything is kept.",
        source=Source.POSTGRESQL,
        variables=(SERVICE, slo_variable(several=True), ROUTE, TIER),
        rows=(
            Row("Promises", (promises, burning, firing, evaluated)),
            Row("What happened", (incidents, events)),
            Row("Requests", (THROUGHPUT, FAILED, PERCENTILES)),
        ),
        time_range="now-24h",
    )
