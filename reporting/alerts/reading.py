"""What alerts are evaluated on: how one SLO stands at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.objective import Objective
    from reporting.slo.signals import Signal
    from reporting.slo.state import SLOState

    Read = Callable[[datetime], Sequence["SloReading | Unknown"]]
    """Returns every SLO in force, or raises: the alerts of an SLO that is missing are removed."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An SLO in force that cannot be read, not even its rules: its alerts are frozen."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SloReading:
    """Rules are fastest first, with one signal each; burn rates go by window (`5m`), None where nothing was measured."""

    name: str
    service: str
    target: Objective
    rules: tuple[BurnRateAlert, ...]
    signals: tuple[Signal, ...]
    burn_rates: Mapping[str, Decimal | None]
    budget_remaining_ratio: Decimal | None
    state: SLOState
