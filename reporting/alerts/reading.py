"""What alerts are evaluated on: how one SLO stands at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.no_data_alert import NoDataAlert
    from reporting.slo.objective import Objective
    from reporting.slo.signals import Signal
    from reporting.slo.state import SLOState
    from reporting.slo.threshold_alert import ThresholdAlert

    Read = Callable[[datetime], Sequence["SloReading | Unknown"]]
    """Returns every SLO in force, or raises: the alerts of an SLO that is missing are removed."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An SLO in force that cannot be read, not even its rules: its alerts are frozen."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Whom a policy tells, as the settings name them (nobody: by severity), and whether of the end as well."""

    targets: tuple[str, ...] = ()
    end: bool = True


BY_SEVERITY = Telling()


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule on events with what it says, whom it tells, and the error ratio of its window."""

    rule: ThresholdAlert | NoDataAlert
    signal: Signal
    telling: Telling = BY_SEVERITY
    error_ratio: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SloReading:
    """Rules are fastest first, with one signal each, and whom to tell; `findings` are of rules on events.

    Burn rates go by window (`5m`), None where nothing was measured.
    """

    name: str
    service: str
    target: Objective
    rules: tuple[BurnRateAlert, ...]
    signals: tuple[Signal, ...]
    burn_rates: Mapping[str, Decimal | None]
    budget_remaining_ratio: Decimal | None
    state: SLOState
    telling: tuple[Telling, ...] = ()
    findings: tuple[Finding, ...] = ()
