"""What an indicator counts, as PromQL over the metrics of a running Slipstream.

Prometheus sees the platform's own requests and events on `/metrics`. What it does not see there is refused by name: the
requests of other services, tenants' events, accounts (no label holds one), and thresholds that are no edge of a histogram.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from app.core.metrics.event_metrics import DELAYS_S
from app.core.metrics.request_metrics import DURATIONS_S
from app.core.telemetry.telemetry_store import SERVICE
from app.domain.filters import Source, threshold_us
from app.domain.predicates import Compared, Comparison
from dashboards.prometheus.selectors import matcher, selector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.filters import Filter
    from app.domain.predicates import Predicate
    from reporting.definitions.definition import Indicator

REQUESTS = "slipstream_http_requests_total"
DURATIONS = "slipstream_http_request_duration_seconds"
ACCEPTED = "slipstream_events_accepted_total"
DELAYS = "slipstream_event_storage_delay_seconds"

_REQUEST_LABELS = frozenset({"route", "method", "status", "tier", "reason"})
_DURATION_LABELS = frozenset({"route", "method"})
_US = 1_000_000


class NotExportableError(ValueError):
    """An indicator that Prometheus cannot count; the message says why."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A metric and the matchers on it. With `all_of` it is a histogram's rest: of all durations, those not below the edge."""

    metric: str
    matchers: tuple[str, ...]
    all_of: Selected | None = None

    def count(self, window: str) -> str:
        """Return what counts its events in a window as Prometheus writes it (`5m`)."""
        counted = selector(self.metric, self.matchers, window)
        return counted if self.all_of is None else _less(self.all_of.count(window), counted)


@dataclass(frozen=True, slots=True)
class Query:
    """Total and its part, which is good or bad."""

    total: Selected
    part: Selected
    part_is_good: bool

    def total_in(self, window: str) -> str:
        return self.total.count(window)

    def bad_in(self, window: str) -> str:
        total, part = self.total.count(window), self.part.count(window)
        return _less(total, part) if self.part_is_good else f"{part} or 0 * {total}"


def _less(total: str, part: str) -> str:
    """Subtract a part from its total.

    A counter that has counted nothing yet is not there, and then no difference would be: an outage from the beginning
    would look like no traffic. So what is missing of the part is none of the total.
    """
    return f"clamp_min({total} - ({part} or 0 * {total}), 0)"


def query_of(indicator: Indicator) -> Query:
    """Return the query of an indicator; raises `NotExportableError`."""
    part = indicator.bad if indicator.good is None else indicator.good
    if part is None:
        raise NotExportableError("it counts neither good nor bad events")
    match indicator.source:
        case Source.REQUESTS:
            timed = indicator.measures_duration
            return Query(
                _requests(indicator.total, timed=timed), _requests(part, timed=timed), indicator.good is not None
            )
        case Source.INGESTION:
            return Query(_accepted(indicator.total), _settled(part), indicator.good is not None)
        case Source.EVENTS:
            raise NotExportableError("it counts tenants' events, which are not on /metrics")


def _requests(asked: Filter, *, timed: bool) -> Selected:
    conditions = dict(asked.conditions)
    service = conditions.pop("service", None)
    if service is not None and not service.matches(SERVICE):
        raise NotExportableError(f"it counts requests of {service}, and /metrics has those of {SERVICE} alone")
    duration = conditions.pop("duration_ms", None)
    allowed = _DURATION_LABELS if timed else _REQUEST_LABELS
    for field in conditions:
        if field not in allowed:
            what = "the histogram of durations" if timed else "the counter of requests"
            raise NotExportableError(f"it asks for {field}, which is no label of {what}")
    matchers = tuple(matcher(field, predicate) for field, predicate in conditions.items())
    if not timed:
        return Selected(REQUESTS, matchers)
    if duration is None:
        return Selected(f"{DURATIONS}_count", matchers)
    if not isinstance(duration, Compared):
        raise NotExportableError("it asks for a duration that is no comparison")
    edge = Decimal(threshold_us(duration)) / _US
    all_of = None if duration.downwards else Selected(f"{DURATIONS}_count", matchers)
    return Selected(f"{DURATIONS}_bucket", (*matchers, _edge(edge, DURATIONS_S)), all_of)


def _accepted(asked: Filter) -> Selected:
    if asked.conditions:
        names = ", ".join(name for name, _ in asked.conditions)
        raise NotExportableError(f"its total asks for {names}, and accepted events are counted without")
    return Selected(ACCEPTED, ())


def _settled(asked: Filter) -> Selected:
    conditions: dict[str, Predicate] = dict(asked.conditions)
    delay = conditions.pop("delay_s", None)
    matchers = tuple(matcher(field, predicate) for field, predicate in conditions.items())
    if delay is None:
        raise NotExportableError("it asks for outcomes without a delay")
    if not isinstance(delay, Compared) or delay.comparison is not Comparison.AT_MOST:
        raise NotExportableError(f"it asks for a delay of {delay}; Prometheus counts those of at most so many seconds")
    return Selected(f"{DELAYS}_bucket", (*matchers, _edge(delay.limit, DELAYS_S)))


def _edge(seconds: Decimal, edges: Sequence[float]) -> str:
    """Return the matcher of a histogram's edge, however a version of Prometheus writes it (`2`, `2.0`)."""
    known = [Decimal(str(edge)) for edge in edges]
    if seconds not in known:
        text = ", ".join(f"{edge.normalize():f}" for edge in known)
        raise NotExportableError(f"{seconds.normalize():f} s is no edge of the histogram, which are {text}")
    if seconds == seconds.to_integral_value():
        return f'le=~"{int(seconds)}(\\\\.0)?"'
    return f'le="{seconds.normalize():f}"'
