"""One SLO in detail, for Prometheus."""

from __future__ import annotations

from dashboards.grafana.board import Board
from dashboards.grafana.panel import BUDGET_LEFT, BURN_RATE, ERRORS, Kind, Panel, Query, Row, Source
from dashboards.grafana.prometheus_expressions import (
    CHOSEN,
    COUNT,
    PER_SECOND,
    RATIO,
    SECONDS,
    duration,
    failed_ratio,
    rate,
)
from dashboards.grafana.prometheus_overview import ROUTE, SERVICE, TIER
from dashboards.grafana.variables import Variable
from dashboards.prometheus.queries import REQUESTS
from dashboards.prometheus.recording import BUDGET_LEFT as LEFT
from dashboards.prometheus.recording import BURN_RATE as BURNS
from dashboards.prometheus.recording import ERROR_RATIO, TARGET, TOTAL

_SLO = Variable("slo", "SLO", f'label_values({TARGET}{{service=~"$service"}}, slo)', several=False)
_OWN = '{slo="$slo"}'
_FIVE = f"{ERROR_RATIO}:increase5m{_OWN}"
_RATIOS = f'{{__name__=~"{ERROR_RATIO}:increase.+", slo="$slo"}}'
_WINDOW = f'label_replace({_RATIOS}, "window", "${{1}}", "__name__", "{ERROR_RATIO}:increase(.+)")'
_BURN_RATES = f"max by (window) ({_WINDOW} / on (slo, service) group_left () (1 - {TARGET}{_OWN}))"

_NUMBERS = (
    Panel(
        title="Target",
        about="The share of events that has to be good.",
        kind=Kind.NUMBER,
        unit=RATIO,
        width=6,
        height=4,
        decimals=3,
        queries=(Query(f"max({TARGET}{_OWN})", "target"),),
    ),
    Panel(
        title="Error budget left",
        about="What is left of the budget over the SLO's whole window, as far as Prometheus remembers it. Below 0 it is overspent.",
        kind=Kind.NUMBER,
        unit=RATIO,
        width=6,
        height=4,
        decimals=1,
        lowest=None,
        steps=BUDGET_LEFT,
        queries=(Query(f"max({LEFT}{_OWN})", "left"),),
    ),
    Panel(
        title="Availability now",
        about="The share of good events of the last 5 minutes, whatever the SLO calls good.",
        kind=Kind.NUMBER,
        unit=RATIO,
        width=6,
        height=4,
        decimals=3,
        queries=(Query(f"1 - max({_FIVE})", "good"),),
    ),
    Panel(
        title="Burn rate now",
        about="How many times faster than allowed the last 5 minutes spent the budget.",
        kind=Kind.NUMBER,
        unit=COUNT,
        width=6,
        height=4,
        decimals=1,
        steps=BURN_RATE,
        queries=(Query(f"max({BURNS}:5m{_OWN})", "rate"),),
    ),
)
_BUDGET = (
    Panel(
        title="Error budget left",
        about="How the budget of the SLO's window was spent. It comes back as bad events leave the window.",
        unit=RATIO,
        width=12,
        lowest=None,
        highest=1,
        steps=BUDGET_LEFT,
        queries=(Query(f"max({LEFT}{_OWN})", "left"),),
    ),
    Panel(
        title="Burn rate by window",
        about="Each window that alerts look at, and the window of the SLO. An alert needs its long and its short window above its threshold.",
        unit=COUNT,
        width=12,
        steps=BURN_RATE,
        queries=(Query(_BURN_RATES, "{{window}}"),),
    ),
    Panel(
        title="Share of bad events",
        about="Of all that the SLO counts, in 5 minutes.",
        unit=RATIO,
        steps=ERRORS,
        queries=(Query(f"max({_FIVE})", "bad"),),
    ),
    Panel(
        title="Availability",
        about="The share of good events in 5 minutes, with the target beside it.",
        unit=RATIO,
        lowest=None,
        highest=1,
        queries=(Query(f"1 - max({_FIVE})", "good"), Query(f"max({TARGET}{_OWN})", "target")),
    ),
    Panel(
        title="Throughput",
        about="Events that the SLO counts, a second, over 5 minutes.",
        unit="ops",
        queries=(Query(f"max({TOTAL}:increase5m{_OWN}) / 300", "events"),),
    ),
)
_ENDPOINTS = (
    Panel(
        title="P99 by endpoint",
        about="What 99 of 100 requests to an endpoint do not exceed.",
        unit=SECONDS,
        queries=(Query(duration("0.99", 'route=~"$route"', by="route"), "{{route}}"),),
    ),
    Panel(
        title="Share of failed requests by endpoint",
        about="Requests answered with 5xx, of all to that endpoint.",
        unit=RATIO,
        steps=ERRORS,
        queries=(Query(failed_ratio(CHOSEN, by="route"), "{{route}}"),),
    ),
    Panel(
        title="Requests by endpoint",
        about="Requests in a second, whatever their answer.",
        unit=PER_SECOND,
        queries=(Query(rate(REQUESTS, CHOSEN, by="route"), "{{route}}"),),
    ),
    Panel(
        title="Percentiles",
        about="What 50, 95 and 99 of 100 requests to the chosen endpoints do not exceed, interpolated between the histogram's bounds.",
        unit=SECONDS,
        queries=tuple(
            Query(duration(share, 'route=~"$route"'), name)
            for share, name in (("0.5", "P50"), ("0.95", "P95"), ("0.99", "P99"))
        ),
    ),
    Panel(
        title="Share of failed requests by tier",
        about="Requests answered with 5xx, of all of accounts of that tier. Requests of nobody known have no tier.",
        unit=RATIO,
        steps=ERRORS,
        queries=(Query(failed_ratio(CHOSEN, 'tier!=""', by="tier"), "{{tier}}"),),
    ),
    Panel(
        title="Requests by tier",
        about="Requests in a second of accounts of each tier.",
        unit=PER_SECOND,
        queries=(Query(rate(REQUESTS, CHOSEN, 'tier!=""', by="tier"), "{{tier}}"),),
    ),
)

SLO_DETAIL = Board(
    subject="slo-detail",
    title="SLO in detail",
    about="One SLO: what is left of its budget and how fast it goes, and the platform's requests by endpoint and tier.",
    source=Source.PROMETHEUS,
    variables=(SERVICE, _SLO, ROUTE, TIER),
    rows=(
        Row("$slo", _NUMBERS),
        Row("Budget", _BUDGET),
        Row("The platform's requests by endpoint and tier", _ENDPOINTS),
    ),
    time_range="now-24h",
)
