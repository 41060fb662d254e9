"""What a definition counts, in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domain.filters import Source, parse
from reporting.definitions.definition import Indicator
from reporting.reports.figures.words import good_words, promise_words, total_words
from reporting.slo.objective import BudgetingMethod, Objective

TARGET = Objective(target=Decimal("0.999"))


def indicator(source: Source, total: dict[str, object], *, good: object = None, bad: object = None) -> Indicator:
    parts = {name: parse(source, part) for name, part in (("good", good), ("bad", bad)) if isinstance(part, dict)}
    return Indicator(name="sli", total=parse(source, total), **parts)


PAY = {"service": "checkout", "route": "/pay"}
CASES = [
    (
        indicator(Source.REQUESTS, PAY, good=PAY | {"status": "<500", "duration_ms": "<300"}),
        "requests of checkout /pay",
        "requests of checkout /pay answered below 500 in under 300 ms",
        "99.9 % of requests of checkout /pay are answered below 500 in under 300 ms",
    ),
    (
        indicator(Source.REQUESTS, {"tier": "free", "method": ["GET", "HEAD"]}, bad={"tier": "free", "method": ["GET", "HEAD"], "status": ["5xx", 429]}),
        "requests of GET or HEAD of tier free",
        "requests of GET or HEAD of tier free not answered 5xx or 429",
        "99.9 % of requests of GET or HEAD of tier free are not answered 5xx or 429",
    ),
    (
        indicator(Source.EVENTS, {"type": "flight"}, good={"type": "flight", "payload.delay": "<15", "payload.cancelled": False}),
        "events of type flight",
        "events of type flight with cancelled false and delay below 15",
        "99.9 % of events of type flight are with cancelled false and delay below 15",
    ),
    (
        indicator(Source.INGESTION, {}, good={"delay_s": "<=60"}),
        "accepted events",
        "accepted events stored within 60 s",
        "99.9 % of accepted events are stored within 60 s",
    ),
    (
        indicator(Source.REQUESTS, {"service": "api", "status": "2xx"}, good={"service": "api", "status": "2xx", "duration_ms": "<2000"}),
        "requests of api answered 2xx",
        "requests of api answered 2xx, answered in under 2,000 ms",
        "99.9 % of requests of api answered 2xx are answered in under 2,000 ms",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("counted", "total", "good", "promised"), CASES)
def test_a_filter_is_a_sentence(counted: Indicator, total: str, good: str, promised: str) -> None:
    assert total_words(counted) == total
    assert good_words(counted) == good
    assert promise_words(counted, TARGET) == promised


def test_slices_say_what_a_good_one_is() -> None:
    counted = CASES[3][0]
    sliced = Objective(target=Decimal("0.99"), method=BudgetingMethod.TIMESLICES, slice_target=Decimal("0.95"))
    parts = Objective(target=Decimal("0.99"), method=BudgetingMethod.RATIO_TIMESLICES, slice_minutes=5)

    assert promise_words(counted, sliced) == "in 99 % of minutes, 95 % of accepted events are stored within 60 s"
    assert (
        promise_words(counted, parts)
        == "99 % of accepted events are stored within 60 s, on average over slices of 5 minutes"
    )
