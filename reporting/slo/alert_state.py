"""The life of one alert, as a pure function of what its windows said, what people did, and what time it is.

1. A breach makes it pending, and after the hold firing. A pending alert that clears is gone without a word.
2. A firing alert may be acknowledged; it ends when it has been clear for the time it keeps firing.
3. Not knowing freezes it: no data and too little traffic neither fire, nor end, nor count as time that passed.
4. Somebody is told of each change once. While a faster alert of the same SLO fires it is inhibited: it goes through its
   states, and nobody is told, until it still burns when the faster one is over.
5. The alert of an SLO that is no more is removed, which is not resolved.

An alert that is resolved or removed is over. What breaches after it is a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from reporting.slo.signals import Signal

if TYPE_CHECKING:
    from datetime import datetime


class AlertState(StrEnum):
    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REMOVED = "removed"


_BURNING = frozenset({AlertState.FIRING, AlertState.ACKNOWLEDGED})
_OVER = frozenset({AlertState.RESOLVED, AlertState.REMOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """`hold`: breached for so long before it fires. `keep_firing_for`: clear for so long before it ends (no flapping)."""

    hold: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as it stands; all of it is stored, nothing else is needed.

    `since`: when it came into its state. `breached_at`: its first breach. `counted`: time that counts towards the hold
    while pending, towards the end while firing and clear. `notified`: whether somebody was told that it fires.
    `frozen`: nothing was known the last time.
    """

    state: AlertState
    since: datetime
    breached_at: datetime
    seen_at: datetime
    counted: timedelta = timedelta(0)
    clearing: bool = False
    notified: bool = False
    frozen: bool = False

    @property
    def burning(self) -> bool:
        return self.state in _BURNING

    @property
    def over(self) -> bool:
        return self.state in _OVER


@dataclass(frozen=True, slots=True)
class Change:
    """What to record, and whether to tell somebody."""

    state: AlertState
    at: datetime
    notify: bool


def observe(
    alert: Alert | None, found: Signal, *, now: datetime, timing: Timing, inhibited: bool = False
) -> tuple[Alert | None, Change | None]:
    """Return the alert after one evaluation, and what changed; an alert that is over is given back as it is."""
    if alert is None or alert.over:
        if found is not Signal.BREACHING:
            return alert, None
        alert = Alert(state=AlertState.PENDING, since=now, breached_at=now, seen_at=now)
        pending = Change(AlertState.PENDING, now, notify=False)
        fired, change = _breached(alert, now=now, timing=timing, inhibited=inhibited)
        return fired, change or pending
    if found in {Signal.NO_DATA, Signal.LOW_TRAFFIC}:
        return freeze(alert, now=now), None
    if found is Signal.BREACHING:
        return _breached(alert, now=now, timing=timing, inhibited=inhibited)
    return _cleared(alert, now=now, timing=timing)


def freeze(alert: Alert, *, now: datetime) -> Alert:
    """Return the alert after an evaluation that learned nothing."""
    return alert if alert.over else replace(alert, seen_at=now, frozen=True)


def acknowledge(alert: Alert, *, now: datetime) -> tuple[Alert, Change | None]:
    """Note that somebody is on it; only a firing alert can be acknowledged, and once."""
    if alert.state is not AlertState.FIRING:
        return alert, None
    acknowledged = replace(alert, state=AlertState.ACKNOWLEDGED, since=now)
    return acknowledged, Change(AlertState.ACKNOWLEDGED, now, alert.notified)


def remove(alert: Alert, *, now: datetime) -> tuple[Alert, Change | None]:
    """Close the alert of an SLO or a policy that is no more."""
    if alert.over:
        return alert, None
    removed = replace(alert, state=AlertState.REMOVED, since=now, seen_at=now)
    return removed, Change(AlertState.REMOVED, now, alert.notified)


def _breached(alert: Alert, *, now: datetime, timing: Timing, inhibited: bool) -> tuple[Alert, Change | None]:
    if alert.state is AlertState.PENDING:
        counted = alert.counted + _known(alert, now)
        if counted < timing.hold:
            return replace(alert, seen_at=now, counted=counted, frozen=False), None
        alert = replace(alert, state=AlertState.FIRING, since=now)
        fired = True
    else:
        fired = False
    # Whoever acknowledged it knows of it, although nobody was told.
    told = alert.notified or (alert.state is AlertState.FIRING and not inhibited)
    change = Change(AlertState.FIRING, now, notify=told) if fired or told is not alert.notified else None
    after = replace(alert, seen_at=now, counted=timedelta(0), clearing=False, notified=told, frozen=False)
    return after, change


def _cleared(alert: Alert, *, now: datetime, timing: Timing) -> tuple[Alert, Change | None]:
    counted = alert.counted + _known(alert, now) if alert.clearing else timedelta(0)
    if alert.burning and counted < timing.keep_firing_for:
        return replace(alert, seen_at=now, counted=counted, clearing=True, frozen=False), None
    resolved = replace(alert, state=AlertState.RESOLVED, since=now, seen_at=now, frozen=False)
    return resolved, Change(AlertState.RESOLVED, now, alert.notified)


def _known(alert: Alert, now: datetime) -> timedelta:
    """Return the time since the last evaluation, unless nothing was known then."""
    return timedelta(0) if alert.frozen else max(now - alert.seen_at, timedelta(0))
