"""Alerts on silence: for an SLO that must always have something to measure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.slo.signals import Signal

if TYPE_CHECKING:
    from reporting.slo.burn_rate_alert import AlertSeverity
    from reporting.slo.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDataAlert:
    """Breached while nothing is measured over a window. It ends with the first event, so it remembers nothing."""

    severity: AlertSeverity
    window: timedelta
    hold: timedelta
    memory: timedelta = timedelta(0)

    @property
    def inhibits(self) -> bool:
        """What is silent freezes every other alert by itself."""
        return False

    @staticmethod
    def signal(counts: Counts | None, *, excluded: bool) -> Signal:
        """Say whether it is silent.

        `counts` are None while they are not known (backfilling), and `excluded` says that some of the window is
        maintenance: then silence may be what was announced.
        """
        if counts is None:
            return Signal.NO_DATA
        if counts.total:
            return Signal.CLEAR
        return Signal.NO_DATA if excluded else Signal.BREACHING
