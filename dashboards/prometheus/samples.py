"""Made-up metrics of good and of bad events of an indicator, as Slipstream would show them.

They are found with the filters themselves and not with the selectors that the rules use, so a unit test of the rules
compares the two.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from app.core.metrics.event_metrics import DELAYS_S
from app.core.metrics.request_metrics import DURATIONS_S
from app.core.telemetry.telemetry_store import SERVICE
from app.domain.filters import Source, threshold_us
from app.domain.predicates import Compared, Equal, OneOf, StatusClass
from dashboards.prometheus.queries import ACCEPTED, DELAYS, DURATIONS, REQUESTS, NotExportableError
from dashboards.prometheus.selectors import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.domain.filters import Filter
    from app.domain.predicates import Predicate
    from reporting.definitions.definition import Indicator

_Record = dict[str, Any]
_USUAL: dict[Source, dict[str, Sequence[Any]]] = {
    Source.REQUESTS: {
        "route": ["/events"],
        "method": ["POST"],
        "status": [202, 500, 404, 301, 429],
        "tier": ["standard"],
        "reason": [""],
        "duration_ms": [Decimal(20)],
    },
    Source.INGESTION: {"outcome": ["stored"], "delay_s": [Decimal("0.2"), Decimal(3_601)]},
}


def increases(indicator: Indicator, *, good: float, bad: float) -> Mapping[str, float]:
    """Return the series of so many good and bad events, with what each of them grows by.

    Series that do not grow are not there, as a counter is not before it first counts. Raises `NotExportableError` when no
    event can be made up, or none that is bad.
    """
    series: Counter[str] = Counter()
    for events, is_good in ((good, True), (bad, False)):
        if events:
            for name in _series(indicator, example(indicator, is_good=is_good)):
                series[name] += events  # type: ignore[assignment]  # Counters count fractions as well.
    return series


def error_ratio(indicator: Indicator, mixed: Sequence[tuple[_Record, Fraction]]) -> Fraction | None:
    """Return the share of bad events that an indicator sees in a mixture of records; None when it counts none of them."""
    part = indicator.bad if indicator.good is None else indicator.good
    total = counted = Fraction(0)
    for record, share in mixed:
        if indicator.total.matches(record):
            total += share
            counted += share if part is not None and part.matches(record) else 0
    if not total:
        return None
    return (counted if indicator.good is None else total - counted) / total


def example(indicator: Indicator, *, is_good: bool) -> _Record:
    """Find a record that is counted, and is good or bad."""
    part = indicator.bad if indicator.good is None else indicator.good
    if part is None:
        raise NotExportableError("it counts neither good nor bad events")
    candidates = {
        field: [*_named(field, (indicator.total, part)), *usual] for field, usual in _USUAL[indicator.source].items()
    }
    wanted = is_good is (indicator.good is not None)
    for values in product(*candidates.values()):
        record = dict(zip(candidates, values, strict=True), service=SERVICE)
        if indicator.total.matches(record) and part.matches(record) is wanted:
            return record
    raise NotExportableError(f"no event is {'good' if is_good else 'bad'}")


def _named(field: str, filters: Sequence[Filter]) -> Iterator[Any]:
    """Give values that filters ask for, and for a comparison one on each side."""
    for asked in filters:
        for name, predicate in asked.conditions:
            if name == field:
                yield from _values(field, predicate)


def _values(field: str, predicate: Predicate) -> Iterator[Any]:
    match predicate:
        case Equal(value):
            yield value
        case StatusClass():
            yield predicate.lowest
        case OneOf(members):
            for member in members:
                yield from _values(field, member)
        case Compared(limit=limit):
            if field == "duration_ms":
                cut = Decimal(threshold_us(predicate)) / 1_000
                yield from (cut - Decimal("0.001"), cut)
            else:
                yield from (limit - 1, limit, limit + 1)


def _series(indicator: Indicator, record: _Record) -> Iterator[str]:
    if indicator.source is Source.INGESTION:
        yield ACCEPTED + labels({"tier": "standard"})
        yield from _buckets(DELAYS, {"outcome": record["outcome"]}, record["delay_s"], DELAYS_S)
        return
    own = {"route": record["route"], "method": record["method"]}
    yield REQUESTS + labels(
        {**own, "status": str(record["status"]), "tier": record["tier"], "reason": record["reason"]}
    )
    # Durations are whole microseconds and the count is of those below an edge, as `RequestMetrics` has it.
    below_edge = record["duration_ms"] / 1_000 + Decimal("0.0000005")
    yield from _buckets(DURATIONS, own, below_edge, DURATIONS_S)


def _buckets(metric: str, own: Mapping[str, str], seconds: Decimal, edges: Sequence[float]) -> Iterator[str]:
    yield f"{metric}_count{labels(own)}"
    for edge in edges:
        if seconds <= Decimal(str(edge)):
            yield f"{metric}_bucket{labels({**own, 'le': str(float(edge))})}"
