"""The alerts of one SLO together: while a fast one fires, the slower ones keep quiet.

An outage that pages is seen by every pair of windows, one after the other, and the slow ones remember it for hours. To
be told once is enough. So a slower alert is inhibited while a faster one fires, and then for as long as its own short
window still holds what the faster one was about; what burns after that burns by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Protocol

from reporting.slo.alert_state import AlertState, Timing, observe
from reporting.slo.windows import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from reporting.slo.alert_state import Alert, Change
    from reporting.slo.signals import Signal

KEEP_FIRING_FOR = 2 * MINUTE
"""How long an alert must be clear before it ends: four evaluations, so that a ratio at the limit does not flap."""


class Rule(Protocol):
    """What alerts of a group need to have: see `BurnRateAlert`, `ThresholdAlert`, `NoDataAlert` and `BudgetAlert`."""

    @property
    def hold(self) -> timedelta:
        """How long it must be breached before it fires."""

    @property
    def memory(self) -> timedelta:
        """For how long after an end it still sees what is over."""

    @property
    def inhibits(self) -> bool:
        """Whether those behind it keep quiet while it fires."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One alert after an evaluation, and what changed."""

    alert: Alert | None
    change: Change | None


def observe_all(
    rules: Sequence[Rule],
    alerts: Sequence[Alert | None],
    signals: Sequence[Signal],
    *,
    now: datetime,
    keep_firing_for: timedelta = KEEP_FIRING_FOR,
    silenced: Sequence[bool] | None = None,
    tell_ends: Sequence[bool] | None = None,
) -> list[Observed]:
    """Evaluate the alerts of an SLO; `rules` fastest first, with the alert that each had and its signal now.

    Give an alert that is over until the next one begins: it is still known by it when its rule was last firing. One that
    is silenced goes through its states as an inhibited one does: nobody is told, unless it still burns afterwards. Of those
    that do not `tell_ends` nobody hears that they are over.
    """
    observed: list[Observed] = []
    faster: list[Alert] = []
    quiet = repeat(False, len(rules)) if silenced is None else silenced
    ends = repeat(True, len(rules)) if tell_ends is None else tell_ends
    for rule, alert, found, hushed, tells_end in zip(rules, alerts, signals, quiet, ends, strict=True):
        inhibited = hushed or is_inhibited(rule, faster, now=now)
        timing = Timing(hold=rule.hold, keep_firing_for=keep_firing_for)
        after, change = observe(alert, found, now=now, timing=timing, inhibited=inhibited)
        if change is not None and change.state is AlertState.RESOLVED and not tells_end:
            change = replace(change, notify=False)
        observed.append(Observed(after, change))
        if rule.inhibits and after is not None:
            faster.append(after)
    return observed


def is_inhibited(rule: Rule, faster: Iterable[Alert], *, now: datetime) -> bool:
    """Say whether one of the faster alerts of the SLO speaks for this one."""
    return any(
        alert.burning or (alert.state is AlertState.RESOLVED and alert.notified and now - alert.since < rule.memory)
        for alert in faster
    )
