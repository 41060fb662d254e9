"""The overview for Prometheus: which promise is in danger, and what the platform is doing."""

from __future__ import annotations

from dashboards.grafana.annotations import FIRING
from dashboards.grafana.board import Board, address_of
from dashboards.grafana.panel import ANY_IS_BAD, BUDGET_LEFT, BURN_RATE, ERRORS, Kind, Panel, Query, Row, Source
from dashboards.grafana.prometheus_expressions import (
    CHOSEN,
    COUNT,
    EVENTS_PER_SECOND,
    PER_SECOND,
    RATIO,
    SECONDS,
    duration,
    failed_ratio,
    rate,
)
from dashboards.grafana.variables import Variable
from dashboards.prometheus.queries import ACCEPTED, REQUESTS
from dashboards.prometheus.recording import BUDGET_LEFT as LEFT
from dashboards.prometheus.recording import BURN_RATE as BURNS
from dashboards.prometheus.recording import TARGET

SERVICE = Variable("service", "Service", f"label_values({TARGET}, service)")
ROUTE = Variable("route", "Route", f"label_values({REQUESTS}, route)")
TIER = Variable("tier", "Tier", f"label_values({REQUESTS}, tier)")
SLO = Variable("slo", "SLO", f'label_values({TARGET}{{service=~"$service"}}, slo)')
_OF_SERVICE = '{service=~"$service", slo=~"$slo"}'

_PROMISES = Panel(
    title="Promises",
    about="Each SLO with its target, what is left of its error budget (1 is all of it, below 0 it is overspent), and its burn rate of the last 5 minutes: at 1 the budget lasts exactly for its window.",
    kind=Kind.TABLE,
    unit="none",
    width=16,
    key="slo",
    queries=(
        Query(f"max by (slo) ({TARGET}{_OF_SERVICE})", "Target"),
        Query(f"max by (slo) ({LEFT}{_OF_SERVICE})", "Budget left"),
        Query(f"max by (slo) ({BURNS}:5m{_OF_SERVICE})", "Burn rate (5 m)"),
    ),
    units={"Target": RATIO, "Budget left": RATIO, "Burn rate (5 m)": COUNT},
    links={"slo": address_of("slo-detail", Source.PROMETHEUS, "var-slo=${__data.fields.slo}")},
)
_FIRING = Panel(
    title="Alerts firing",
    about="Burn-rate alerts that Prometheus holds for firing. None is written out, because an empty panel would also mean that no rules are loaded.",
    kind=Kind.NUMBER,
    unit=COUNT,
    width=4,
    queries=(Query(f"count({FIRING})", "alerts"),),
    steps=ANY_IS_BAD,
    empty="none",
)
_EVALUATED = Panel(
    title="Alerts evaluated",
    about="How long ago Slipstream itself evaluated its alerts. Beyond two minutes the API pages by itself.",
    kind=Kind.NUMBER,
    unit=SECONDS,
    width=4,
    decimals=0,
    queries=(Query("max(slipstream_alerts_evaluated_age_seconds)", "ago"),),
)
_LEFT = Panel(
    title="Error budget left",
    about="What is left of each budget over its whole window. Below 0 more was bad than the promise allows.",
    unit=RATIO,
    width=12,
    lowest=None,
    highest=1,
    steps=BUDGET_LEFT,
    queries=(Query(f"max by (slo) ({LEFT}{_OF_SERVICE})", "{{slo}}"),),
)
_BURN = Panel(
    title="Burn rate (5 minutes)",
    about="How many times faster than allowed budgets are spent. At 1 a budget lasts exactly for its window; at 14.4 an hour takes 2 % of a month's.",
    unit=COUNT,
    width=12,
    steps=BURN_RATE,
    queries=(Query(f"max by (slo) ({BURNS}:5m{_OF_SERVICE})", "{{slo}}"),),
)
_THROUGHPUT = Panel(
    title="Requests answered",
    about="Requests in a second, by the first digit of their status. 4xx are answers, and no failures of the platform.",
    unit=PER_SECOND,
    queries=(
        Query(
            f'sum by (class) (label_replace(rate({REQUESTS}{{{CHOSEN}}}[$__rate_interval]), "class", "${{1}}xx", "status", "(.)..")) > 0',
            "{{class}}",
        ),
    ),
)
_ERRORS = Panel(
    title="Share of failed requests",
    about="Requests answered with 5xx, of all. Without requests there is no share.",
    unit=RATIO,
    steps=ERRORS,
    queries=(Query(failed_ratio(CHOSEN), "5xx"),),
)
_DURATIONS = Panel(
    title="Time to answer",
    about="What 50, 95 and 99 of 100 requests do not exceed, from the complete body to the answer. Prometheus interpolates between the histogram's bounds; 0.5 s and 2 s are exact.",
    unit=SECONDS,
    queries=tuple(
        Query(duration(share, 'route=~"$route"'), name)
        for share, name in (("0.5", "P50"), ("0.95", "P95"), ("0.99", "P99"))
    ),
)
_EVENTS = Panel(
    title="Events",
    about="Events accepted with a 202, and events that left the queue: stored, a duplicate of a stored one, or dead.",
    unit=EVENTS_PER_SECOND,
    width=12,
    queries=(
        Query(rate(ACCEPTED), "accepted"),
        Query(rate("slipstream_events_settled_total", by="outcome"), "{{outcome}}"),
    ),
)
_WAITING = Panel(
    title="Events that wait to be stored",
    about="Accepted and not yet stored. They are on disk; more of them is more delay, and no loss.",
    unit=COUNT,
    width=12,
    queries=(Query("sum(slipstream_queue_events)", "events"),),
)

OVERVIEW = Board(
    subject="overview",
    title="Overview",
    about="Which promise is in danger, and what the platform is doing. From /metrics and the rules of `slipstream rules export`.",
    source=Source.PROMETHEUS,
    variables=(SERVICE, SLO, ROUTE, TIER),
    rows=(
        Row("Promises", (_PROMISES, _FIRING, _EVALUATED)),
        Row("Budgets", (_LEFT, _BURN)),
        Row("Requests of the platform itself", (_THROUGHPUT, _ERRORS, _DURATIONS)),
        Row("Events", (_EVENTS, _WAITING)),
    ),
)
