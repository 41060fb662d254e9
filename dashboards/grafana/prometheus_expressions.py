"""What the PromQL of several panels has in common. Nothing counted is no number, never a zero that looks like health."""

from __future__ import annotations

from dashboards.grafana.source_queries import SCRAPED
from dashboards.prometheus.queries import DURATIONS, REQUESTS

CHOSEN = 'route=~"$route", tier=~"$tier"'
"""The requests that the reader has chosen. The histogram of durations has routes, and no tiers."""
FAILED = 'status=~"5.."'
SECONDS, PER_SECOND, RATIO, COUNT, BYTES = "s", "reqps", "percentunit", "short", "bytes"
EVENTS_PER_SECOND = "events/s"


def rate(metric: str, *matchers: str, by: str = "") -> str:
    """Return how often a counter counts in a second, summed over what it is told apart by."""
    braces = f"{{{', '.join(matchers)}}}" if matchers else ""
    return f"sum{_by(by)}(rate({metric}{braces}[{SCRAPED}]))"


def ratio(part: str, total: str) -> str:
    """Return a share: 0 where nothing of the part was counted yet, and nothing where there was no total."""
    return f"({part} or 0 * {total}) / ({total} > 0)"


def failed_ratio(*matchers: str, by: str = "") -> str:
    """Return the share of requests that were answered with a server error."""
    return ratio(rate(REQUESTS, *matchers, FAILED, by=by), rate(REQUESTS, *matchers, by=by))


def duration(share: str, *matchers: str, metric: str = DURATIONS, by: str = "") -> str:
    """Return the duration that a share of all does not exceed, as exact as the histogram's bounds are close."""
    labels = "le" if not by else f"le, {by}"
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', *matchers, by=labels)})"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""
