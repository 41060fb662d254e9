"""Filters: read with every problem, evaluated over records, proven to be a part of another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.filters import Filter, FilterError, Source, parse, threshold_us
from app.domain.histogram import InexactThresholdError, bucket_of, count_below, first_bucket_from
from app.domain.predicates import Compared, Comparison

REQUEST = {
    "service": "checkout",
    "route": "/pay",
    "method": "POST",
    "status": 503,
    "tier": "free",
    "account_id": "acme",
    "reason": "overloaded",
    "duration_ms": Decimal("499.999"),
}
DEPARTED = {
    "account_id": "UA",
    "type": "flight.departed",
    "payload": {"dep_delay": 14, "dest": "IAH", "cancelled": False, "crew": {"base": "EWR"}},
}


def codes(source: Source, **conditions: object) -> list[tuple[str, str]]:
    with pytest.raises(FilterError) as refused:
        parse(source, conditions)
    return [(problem.field, problem.code) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("conditions", "counted"),
    [
        ({}, True),
        ({"service": "checkout", "route": "/pay", "status": "<500"}, False),
        ({"status": "5xx"}, True),
        ({"status": 503}, True),
        ({"status": "503"}, True),
        ({"status": ["4xx", 503]}, True),
        ({"status": ["2xx", "3xx"]}, False),
        ({"status": ">=500", "duration_ms": "<500"}, True),
        ({"duration_ms": "< 499"}, False),
        ({"tier": ["free", "standard"], "reason": "overloaded", "account_id": "acme", "method": "POST"}, True),
        ({"tier": "enterprise"}, False),
    ],
)
def test_a_request_is_counted_when_every_condition_holds(conditions: dict[str, object], counted: bool) -> None:
    assert parse(Source.REQUESTS, conditions).matches(REQUEST) is counted


@pytest.mark.parametrize(
    ("conditions", "counted"),
    [
        ({"type": "flight.departed", "payload.dep_delay": "<15"}, True),
        ({"type": "flight.cancelled"}, False),
        ({"payload.dep_delay": 14}, True),
        ({"payload.dep_delay": ">=15"}, False),
        ({"payload.dest": ["IAH", "ORD"]}, True),
        ({"payload.cancelled": False}, True),
        ({"payload.crew.base": "EWR"}, True),
        ({"payload.crew": "EWR"}, False),
        ({"payload.dest.name": "IAH"}, False),
        ({"payload.tail": "N14228"}, False),
    ],
)
def test_an_event_is_counted_by_its_type_and_payload(conditions: dict[str, object], counted: bool) -> None:
    assert parse(Source.EVENTS, conditions).matches(DEPARTED) is counted


def test_a_record_without_the_field_is_not_counted() -> None:
    assert not parse(Source.REQUESTS, {"duration_ms": "<500"}).matches({"status": 200, "duration_ms": None})
    assert not parse(Source.EVENTS, {"payload.x": "<5"}).matches({"type": "a", "payload": None})
    assert not parse(Source.INGESTION, {"delay_s": "<=60"}).matches({"outcome": "dead", "delay_s": None})


def test_every_problem_of_a_filter_is_told_at_once() -> None:
    assert codes(Source.REQUESTS, rout="/pay", status="5zz", duration_ms="<1234.5", method="post") == [
        ("duration_ms", "inexact_threshold"),
        ("method", "unknown_value"),
        ("rout", "unknown_filter"),
        ("status", "not_a_status"),
    ]


@pytest.mark.parametrize(
    ("source", "field", "value", "code"),
    [
        (Source.REQUESTS, "payload.x", 1, "unknown_filter"),
        (Source.EVENTS, "status", 500, "unknown_filter"),
        (Source.EVENTS, "payload.", 1, "unknown_filter"),
        (Source.EVENTS, "payload..x", 1, "unknown_filter"),
        (Source.INGESTION, "outcome", "lost", "unknown_value"),
        (Source.INGESTION, "delay_s", 60, "not_compared"),
        (Source.REQUESTS, "duration_ms", 500, "not_compared"),
        (Source.REQUESTS, "duration_ms", "<-5", "not_positive"),
        (Source.REQUESTS, "route", 5, "not_a_text"),
        (Source.REQUESTS, "route", "<5", "not_a_number"),
        (Source.REQUESTS, "status", True, "not_a_status"),
        (Source.REQUESTS, "status", Decimal("500.5"), "not_a_status"),
        (Source.EVENTS, "payload.x", "<much", "not_a_number"),
        (Source.EVENTS, "payload.x", {"a": 1}, "not_a_value"),
        (Source.EVENTS, "payload.x", None, "not_a_value"),
        (Source.EVENTS, "type", [], "empty_list"),
        (Source.EVENTS, "payload.x", ["<5"], "comparison_in_list"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(source: Source, field: str, value: object, code: str) -> None:
    assert codes(source, **{field: value}) == [(field, code)]


def test_a_misspelt_field_is_told_its_likely_name() -> None:
    with pytest.raises(FilterError, match='did you mean "route"'):
        parse(Source.REQUESTS, {"rout": "/pay"})


def test_an_inexact_threshold_is_told_the_two_nearest() -> None:
    with pytest.raises(FilterError, match='"<1230" and "<1240"'):
        parse(Source.REQUESTS, {"duration_ms": "<1234.5"})
    with pytest.raises(FilterError, match='"<500" and "<501"'):
        parse(Source.REQUESTS, {"duration_ms": "<=500"})
    with pytest.raises(FilterError, match='">=500" and ">=501"'):
        parse(Source.REQUESTS, {"duration_ms": ">500"})


@given(
    st.integers(1, 999),
    st.integers(-2, 4),
    st.sampled_from([Comparison.BELOW, Comparison.AT_LEAST]),
    st.lists(st.integers(0, 10**8)),
)
def test_the_histogram_counts_a_duration_filter_exactly(
    digits: int, power: int, comparison: Comparison, durations_us: list[int]
) -> None:
    limit = Decimal(digits).scaleb(power)
    predicate = Compared(comparison, limit)
    histogram: dict[int, int] = {}
    for duration in durations_us:
        histogram[bucket_of(duration)] = histogram.get(bucket_of(duration), 0) + 1

    below = count_below(histogram, threshold_us(predicate))

    counted = below if comparison is Comparison.BELOW else len(durations_us) - below
    assert counted == sum(predicate.matches(Decimal(duration) / 1000) for duration in durations_us)


def test_a_threshold_inside_a_bucket_has_no_place_in_a_histogram() -> None:
    with pytest.raises(InexactThresholdError):
        threshold_us(Compared(Comparison.BELOW, Decimal("1234.5")))

    assert first_bucket_from(threshold_us(Compared(Comparison.BELOW, Decimal("0.05")))) == 50


def test_a_good_that_asks_for_all_that_total_asks_for_is_a_part_of_it() -> None:
    total = parse(Source.REQUESTS, {"service": "checkout", "status": ["2xx", "3xx", "4xx", "5xx"]})
    good = parse(Source.REQUESTS, {"service": "checkout", "status": ["2xx", "3xx"], "duration_ms": "<500"})

    assert good.is_subset_of(total)
    assert not total.is_subset_of(good)
    assert total.beyond(good) == ("duration_ms", "status")


def test_a_good_of_another_service_or_source_is_no_part() -> None:
    total = parse(Source.REQUESTS, {"service": "checkout"})

    assert not parse(Source.REQUESTS, {"service": "search", "status": "<500"}).is_subset_of(total)
    assert not parse(Source.REQUESTS, {"status": "<500"}).is_subset_of(total)
    assert not Filter(Source.EVENTS).is_subset_of(Filter(Source.REQUESTS))


request_filters = st.fixed_dictionaries(
    {},
    optional={
        "service": st.sampled_from(["a", "b", ["a", "b"]]),
        "status": st.sampled_from(["<500", "<=499", ">=500", "5xx", "4xx", 404, ["4xx", "5xx"], ">200"]),
        "duration_ms": st.sampled_from(["<100", "<500", ">=500"]),
    },
).map(lambda conditions: parse(Source.REQUESTS, conditions))
requests = st.fixed_dictionaries(
    {"service": st.sampled_from("abc"), "status": st.integers(100, 599), "duration_ms": st.integers(0, 1000)}
)


@given(request_filters, request_filters, st.lists(requests, max_size=30))
def test_a_proven_part_never_counts_more_than_the_whole(
    good: Filter, total: Filter, seen: list[dict[str, object]]
) -> None:
    if good.is_subset_of(total):
        assert all(total.matches(request) for request in seen if good.matches(request))


def test_filters_that_say_the_same_are_equal_in_whatever_order() -> None:
    assert parse(Source.REQUESTS, {"status": "<500", "route": "/"}) == parse(
        Source.REQUESTS, {"route": "/", "status": "< 500"}
    )
