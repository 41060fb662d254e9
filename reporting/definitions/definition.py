"""A service level objective as it is evaluated: what an OpenSLO text comes to, with nothing left to look up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.slo.burn_rate_alert import fastest_first

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from app.domain.filters import Filter, Source
    from reporting.definitions import openslo
    from reporting.slo.burn_rate_alert import BurnRateAlert, WindowPair
    from reporting.slo.objective import Objective
    from reporting.slo.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What is counted: `total`, and of it what is `good`, or else what is `bad`. The part is a subset of the total."""

    name: str
    total: Filter
    good: Filter | None = None
    bad: Filter | None = None

    @property
    def source(self) -> Source:
        return self.total.source

    @property
    def measures_duration(self) -> bool:
        """Whether requests without a known duration are outside of the total."""
        return any(part is not None and part.names("duration_ms") for part in (self.total, self.good, self.bad))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationTarget:
    """Where an alert is delivered: `target` is what the definition says, for the notifier to understand."""

    name: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """Pairs of windows, and what is told to whom.

    Slipstream's own alerts go by `when_breaching` and the pairs' severity, and always tell the end; the rest is for rules
    exported to Prometheus.
    """

    name: str
    display_name: str
    pairs: tuple[WindowPair, ...]
    targets: tuple[NotificationTarget, ...]
    when_breaching: bool
    when_resolved: bool
    when_no_data: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One SLO. `written` is its OpenSLO object with every reference replaced by what it refers to."""

    name: str
    display_name: str
    service: str
    description: str
    indicator: Indicator
    window: Window
    objective: Objective
    policies: tuple[AlertPolicy, ...]
    written: openslo.SLO

    def period_length(self, now: datetime) -> timedelta:
        """Return the length of the compliance period that now is in."""
        return self.window.at(now).length

    def alerts(self, now: datetime) -> tuple[BurnRateAlert, ...]:
        """Return every pair that is to alert with its burn rate for the present period, fastest first."""
        length = self.period_length(now)
        told = [policy for policy in self.policies if policy.when_breaching]
        return fastest_first(tuple(pair.for_period(length) for policy in told for pair in policy.pairs))
