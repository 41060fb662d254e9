"""What indicators count, in PromQL."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.filters import Source, parse
from dashboards.prometheus.queries import NotExportableError, query_of
from reporting.definitions.definition import Indicator


def requests(good: dict[str, Any] | None = None, bad: dict[str, Any] | None = None, **total: Any) -> Indicator:
    return indicator(Source.REQUESTS, good, bad, total)


def indicator(
    source: Source, good: dict[str, Any] | None, bad: dict[str, Any] | None, total: dict[str, Any]
) -> Indicator:
    return Indicator(
        name="i",
        total=parse(source, total),
        good=None if good is None else parse(source, total | good),
        bad=None if bad is None else parse(source, total | bad),
    )


def test_what_is_missing_of_the_good_is_bad() -> None:
    query = query_of(requests({"status": "<500"}, service="slipstream"))

    total = "sum(increase(slipstream_http_requests_total[5m]))"
    good = 'sum(increase(slipstream_http_requests_total{status=~"1..|2..|3..|4.."}[5m]))'
    assert query.total_in("5m") == total
    assert query.bad_in("5m") == f"clamp_min({total} - ({good} or 0 * {total}), 0)"


@pytest.mark.parametrize(
    ("conditions", "matchers"),
    [
        ({"route": "/a"}, 'route="/a"'),
        ({"route": ["/a.b", "/{id}"]}, r'route=~"/a\\.b|/\\{id\\}"'),
        ({"method": "GET", "reason": 'say "no"'}, r'method="GET", reason="say \"no\""'),
        ({"status": "5xx"}, 'status=~"5.."'),
        ({"status": 404}, 'status="404"'),
        ({"status": [404, "5xx"]}, 'status=~"404|5.."'),
        ({"status": ">=598"}, 'status=~"598|599"'),
        ({"status": "<=299", "tier": "free"}, 'status=~"1..|2..", tier="free"'),
    ],
)
def test_filters_become_matchers(conditions: dict[str, Any], matchers: str) -> None:
    query = query_of(requests(bad=conditions))

    total = "sum(increase(slipstream_http_requests_total[1h]))"
    bad = f"sum(increase(slipstream_http_requests_total{{{matchers}}}[1h]))"
    assert query.bad_in("1h") == f"{bad} or 0 * {total}"


def test_latencies_are_counted_at_an_edge_of_the_histogram() -> None:
    query = query_of(requests({"duration_ms": "<500"}, route="/a"))

    total = 'sum(increase(slipstream_http_request_duration_seconds_count{route="/a"}[5m]))'
    below = 'sum(increase(slipstream_http_request_duration_seconds_bucket{route="/a", le="0.5"}[5m]))'
    assert query.total_in("5m") == total
    assert query.bad_in("5m") == f"clamp_min({total} - ({below} or 0 * {total}), 0)"


def test_slow_requests_of_a_part_are_the_rest_of_that_part() -> None:
    query = query_of(requests(bad={"duration_ms": ">=2000", "method": "POST"}))

    total = "sum(increase(slipstream_http_request_duration_seconds_count[5m]))"
    posts = 'sum(increase(slipstream_http_request_duration_seconds_count{method="POST"}[5m]))'
    edge = r'le=~"2(\\.0)?"'
    below = f'sum(increase(slipstream_http_request_duration_seconds_bucket{{method="POST", {edge}}}[5m]))'
    assert query.bad_in("5m") == f"clamp_min({posts} - ({below} or 0 * {posts}), 0) or 0 * {total}"


def test_freshness_is_accepted_events_less_those_stored_in_time() -> None:
    query = query_of(indicator(Source.INGESTION, {"delay_s": "<=60"}, None, {}))

    assert query.total_in("5m") == "sum(increase(slipstream_events_accepted_total[5m]))"
    assert r'slipstream_event_storage_delay_seconds_bucket{le=~"60(\\.0)?"}[5m]' in query.bad_in("5m")


@pytest.mark.parametrize(
    ("counted", "why"),
    [
        (requests({"status": "<500"}, service="checkout"), "checkout"),
        (requests({"status": "<500"}, account_id="acme"), "account_id"),
        (requests({"status": "<500", "duration_ms": "<500"}), "status"),
        (requests({"duration_ms": "<600"}), "0.6 s is no edge"),
        (indicator(Source.EVENTS, {"payload.late": "<15"}, None, {"type": "flight"}), "tenants' events"),
        (indicator(Source.INGESTION, {"delay_s": "<60"}, None, {}), "at most"),
        (indicator(Source.INGESTION, {"delay_s": "<=61"}, None, {}), "61 s is no edge"),
        (indicator(Source.INGESTION, {"outcome": "stored"}, None, {}), "without a delay"),
        (indicator(Source.INGESTION, {"delay_s": "<=60"}, None, {"outcome": "stored"}), "outcome"),
    ],
)
def test_what_prometheus_does_not_see_is_refused_by_name(counted: Indicator, why: str) -> None:
    with pytest.raises(NotExportableError, match=why):
        query_of(counted)
