"""What of each definition goes into the rules: its query, the windows to record, and its alerts as Prometheus sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

from app.domain.filters import Source
from dashboards.prometheus.queries import NotExportableError, query_of
from reporting.slo.objective import BudgetingMethod
from reporting.slo.windows import RollingWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dashboards.prometheus.queries import Query
    from reporting.definitions.definition import AlertPolicy, Definition
    from reporting.slo.burn_rate_alert import BurnRateAlert

STEP = timedelta(minutes=5)
"""The window whose counts are added up to those of the whole period."""
PENDING = timedelta(minutes=1)
"""An accepted event may take a minute before it is late, and until it is stored it is not counted as good."""


@dataclass(frozen=True, slots=True)
class Burn:
    """One alert of an SLO; `rank` is 1 for the fastest, which makes the others unnecessary."""

    policy: AlertPolicy
    alert: BurnRateAlert
    rank: int
    limit: str
    hold: timedelta

    @property
    def targets(self) -> str:
        return ",".join(sorted({target.name for target in self.policy.targets}))

    @property
    def windows(self) -> tuple[timedelta, ...]:
        """The long window, and the short one if there is one."""
        short = self.alert.short_window
        return (self.alert.long_window,) if short is None else (self.alert.long_window, short)


@dataclass(frozen=True, slots=True)
class Promise:
    """An SLO as it is exported."""

    definition: Definition
    query: Query
    period: timedelta
    burns: tuple[Burn, ...]

    @property
    def labels(self) -> dict[str, str]:
        return {"slo": self.definition.name, "service": self.definition.service}

    @property
    def budget(self) -> Fraction:
        """The ratio that may be bad."""
        return Fraction(self.definition.objective.budget)

    @property
    def windows(self) -> list[timedelta]:
        """Every window that is recorded, the shortest first."""
        return sorted({STEP, *(window for burn in self.burns for window in burn.windows)})


@dataclass(frozen=True, slots=True)
class Exportable:
    """What can be exported, and the rest by name with the reason."""

    promises: tuple[Promise, ...]
    refused: dict[str, str]


def exportable(definitions: Iterable[Definition]) -> Exportable:
    """Sort definitions into those whose rules Prometheus can evaluate, and the others."""
    promises: list[Promise] = []
    refused: dict[str, str] = {}
    for definition in sorted(definitions, key=lambda each: each.name):
        try:
            promises.append(_promise(definition))
        except NotExportableError as error:
            refused[definition.name] = str(error)
    return Exportable(tuple(promises), refused)


def _promise(definition: Definition) -> Promise:
    if definition.objective.method is not BudgetingMethod.OCCURRENCES:
        raise NotExportableError(f"its budgeting method is {definition.objective.method}; rules count occurrences")
    if not isinstance(definition.window, RollingWindow):
        raise NotExportableError("its window is of the calendar; Prometheus has windows that roll")
    query = query_of(definition.indicator)
    period = definition.window.length
    late = definition.indicator.source is Source.INGESTION
    pairs = [
        (policy, pair.for_period(period))
        for policy in definition.policies
        if policy.when_breaching
        for pair in policy.pairs
    ]
    pairs = [(policy, alert) for policy, alert in pairs if alert.can_fire(definition.objective)]
    # As `fastest_first` has it: pages before tickets, and high burn rates before low ones.
    pairs.sort(key=lambda pair: (pair[1].severity.value, -pair[1].factor))
    burns = tuple(
        Burn(
            policy,
            alert,
            rank,
            decimal_text(alert.limit(definition.objective)),
            max(alert.hold, PENDING) if late else alert.hold,
        )
        for rank, (policy, alert) in enumerate(pairs, start=1)
    )
    return Promise(definition, query, period, burns)


def decimal_text(ratio: Fraction) -> str:
    """Write a ratio with as many digits as a float can tell apart."""
    with localcontext() as context:
        context.prec = 17
        return f"{(Decimal(ratio.numerator) / Decimal(ratio.denominator)).normalize():f}"
