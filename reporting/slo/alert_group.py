"""The alerts of one SLO together: while a fast one fires, the slower ones keep quiet.

An outage that pages is seen by every pair of windows, one after the other, and the slow ones remember it for hours. To
be told once is enough. So a slower alert is inhibited while a faster one fires, and then for as long as its own short
window still holds what the faster one was about; what burns after that burns by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.slo.alert_state import AlertState, Timing, observe
from reporting.slo.windows import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from reporting.slo.alert_state import Alert, Change
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.signals import Signal

KEEP_FIRING_FOR = 2 * MINUTE
"""How long an alert must be clear before it ends: four evaluations, so that a ratio at the limit does not flap."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One alert after an evaluation, and what changed."""

    alert: Alert | None
    change: Change | None


def observe_all(
    rules: Sequence[BurnRateAlert],
    alerts: Sequence[Alert | None],
    signals: Sequence[Signal],
    *,
    now: datetime,
    keep_firing_for: timedelta = KEEP_FIRING_FOR,
) -> list[Observed]:
    """Evaluate the alerts of an SLO; `rules` fastest first, with the alert that each had and its signal now.

    Give an alert that is over until the next one begins: it is still known by it when its rule was last firing.
    """
    observed: list[Observed] = []
    for rule, alert, found in zip(rules, alerts, signals, strict=True):
        faster = [before.alert for before in observed if before.alert is not None]
        inhibited = is_inhibited(rule, faster, now=now)
        timing = Timing(hold=rule.hold, keep_firing_for=keep_firing_for)
        observed.append(Observed(*observe(alert, found, now=now, timing=timing, inhibited=inhibited)))
    return observed


def is_inhibited(rule: BurnRateAlert, faster: Iterable[Alert], *, now: datetime) -> bool:
    """Say whether one of the faster alerts of the SLO speaks for this one."""
    memory = rule.long_window if rule.short_window is None else rule.short_window
    return any(
        alert.burning or (alert.state is AlertState.RESOLVED and alert.notified and now - alert.since < memory)
        for alert in faster
    )
