"""A service level objective as it is evaluated: what an OpenSLO text comes to, with nothing left to look up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.slo.burn_rate_alert import haste
from reporting.slo.no_data_alert import NoDataAlert

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from app.domain.filters import Filter, Source
    from reporting.definitions import openslo
    from reporting.definitions.thresholds import Threshold
    from reporting.slo.burn_rate_alert import BurnRateAlert, WindowPair
    from reporting.slo.objective import Objective
    from reporting.slo.threshold_alert import ThresholdAlert
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
    """Where an alert is delivered: `target` is `page`, `ticket`, or a name in the setting `NOTIFY_TARGETS`."""

    name: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """Pairs of windows or a threshold, and what is told to whom. `condition` is what OpenSLO has of it."""

    name: str
    display_name: str
    pairs: tuple[WindowPair, ...]
    threshold: Threshold | None
    condition: WindowPair
    targets: tuple[NotificationTarget, ...]
    when_breaching: bool
    when_resolved: bool
    when_no_data: bool

    @property
    def silence(self) -> NoDataAlert | None:
        """The alert on silence, over the shortest window that the policy looks at; None when nobody asks for it."""
        if not self.when_no_data:
            return None
        windows = [self.condition.long_window, *(pair.short_window or pair.long_window for pair in self.pairs)]
        return NoDataAlert(severity=self.condition.severity, window=min(windows), hold=self.condition.hold)


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
        return tuple(alert for _, alert in self.burning(now))

    def burning(self, now: datetime) -> tuple[tuple[AlertPolicy, BurnRateAlert], ...]:
        """Return the same, each with its policy."""
        length = self.period_length(now)
        told = [policy for policy in self.policies if policy.when_breaching]
        found = [(policy, pair.for_period(length)) for policy in told for pair in policy.pairs]
        return tuple(sorted(found, key=lambda each: haste(each[1])))

    @property
    def thresholds(self) -> tuple[tuple[AlertPolicy, ThresholdAlert], ...]:
        """The alerts on plain figures, each with its policy."""
        return tuple(
            (policy, policy.threshold.for_indicator(self.indicator))
            for policy in self.policies
            if policy.when_breaching and policy.threshold is not None
        )

    @property
    def silences(self) -> tuple[tuple[AlertPolicy, NoDataAlert], ...]:
        """The alerts on silence, each with its policy."""
        return tuple((policy, policy.silence) for policy in self.policies if policy.silence is not None)
