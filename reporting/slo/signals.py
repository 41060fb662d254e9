"""What an alert's windows say at one moment."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reporting.slo.significance import DEFAULT

if TYPE_CHECKING:
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.counts import Counts
    from reporting.slo.objective import Objective
    from reporting.slo.significance import Significance
    from reporting.slo.threshold_alert import ThresholdAlert


class Signal(StrEnum):
    """`CLEAR` and `BREACHING` are known; the other two are not knowing, of which the alert machine makes nothing."""

    CLEAR = "clear"
    BREACHING = "breaching"
    LOW_TRAFFIC = "low_traffic"
    NO_DATA = "no_data"


def signal(
    alert: BurnRateAlert | ThresholdAlert,
    objective: Objective,
    *,
    long: Counts,
    short: Counts | None,
    significance: Significance = DEFAULT,
) -> Signal:
    """Compare both windows with the limit; `short` is None for an alert without a short window.

    One window that is fine makes it clear, whatever is missing in the other. A breach counts only when the long window
    has enough events to tell.
    """
    windows = [long] if short is None else [long, short]
    answers = [alert.exceeds(objective, counts) for counts in windows]
    if False in answers:
        return Signal.CLEAR
    if None in answers:
        return Signal.NO_DATA
    return Signal.BREACHING if significance.enough(long, alert.limit(objective)) else Signal.LOW_TRAFFIC
