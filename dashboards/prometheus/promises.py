"""What of each definition goes into the rules: its query, the windows to record, and its alerts as Prometheus sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

from app.domain.filters import Source
from dashboards.prometheus.queries import NotExportableError, query_of
from reporting.definitions.thresholds import slow_part
from reporting.slo.burn_rate_alert import haste
from reporting.slo.objective import BudgetingMethod
from reporting.slo.windows import RollingWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dashboards.prometheus.queries import Query
    from reporting.definitions.definition import AlertPolicy, Definition, Indicator
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.no_data_alert import NoDataAlert
    from reporting.slo.threshold_alert import ThresholdAlert

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
    def windows(self) -> tuple[timedelta, ...]:
        """The long window, and the short one if there is one."""
        short = self.alert.short_window
        return (self.alert.long_window,) if short is None else (self.alert.long_window, short)


@dataclass(frozen=True, slots=True)
class Plain:
    """An alert on a plain figure; a percentile's compares other events than the SLO, and so has a query of its own."""

    policy: AlertPolicy
    alert: ThresholdAlert
    indicator: Indicator
    query: Query
    limit: str
    hold: timedelta

    @property
    def is_slow(self) -> bool:
        """Whether its bad events are the slow ones."""
        return self.alert.slower_than_ms is not None


@dataclass(frozen=True, slots=True)
class Silence:
    """An alert on nothing being counted."""

    policy: AlertPolicy
    alert: NoDataAlert

    @property
    def hold(self) -> timedelta:
        """Not less than a step: a Prometheus that has just been started has counted nothing yet."""
        return max(self.alert.hold, STEP)


@dataclass(frozen=True, slots=True)
class Promise:
    """An SLO as it is exported."""

    definition: Definition
    query: Query
    period: timedelta
    burns: tuple[Burn, ...]
    plain: tuple[Plain, ...] = ()
    silences: tuple[Silence, ...] = ()

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
        compared = {each.alert.window for each in self.plain if not each.is_slow}
        silent = {each.alert.window for each in self.silences}
        return sorted({STEP, *compared, *silent, *(window for burn in self.burns for window in burn.windows)})


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
            promises.append(_promise(definition, refused))
        except NotExportableError as error:
            refused[definition.name] = str(error)
    return Exportable(tuple(promises), refused)


def _promise(definition: Definition, refused: dict[str, str]) -> Promise:
    """Return an SLO's; a threshold that Prometheus cannot compare is refused by itself. Raises `NotExportableError`."""
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
    pairs.sort(key=lambda pair: haste(pair[1]))
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
    plain = tuple(_plain(definition, refused, late=late))
    silences = tuple(Silence(policy, policy.silence) for policy in definition.policies if policy.silence is not None)
    return Promise(definition, query, period, burns, plain, silences)


def _plain(definition: Definition, refused: dict[str, str], *, late: bool) -> Iterator[Plain]:
    for policy, alert in definition.thresholds:
        indicator = _compared(definition.indicator, alert)
        try:
            query = query_of(indicator)
        except NotExportableError as error:
            refused[f"{definition.name}, {policy.name}"] = str(error)
            continue
        limit = decimal_text(alert.limit(definition.objective))
        yield Plain(policy, alert, indicator, query, limit, max(alert.hold, PENDING) if late else alert.hold)


def _compared(indicator: Indicator, alert: ThresholdAlert) -> Indicator:
    """Return what an alert compares: the indicator, or how many requests are slow."""
    if alert.slower_than_ms is None:
        return indicator
    return replace(indicator, good=None, bad=slow_part(indicator.total, alert.slower_than_ms))


def targets_of(policy: AlertPolicy) -> str:
    """Return the names of whom a policy tells, as a label has them."""
    return ",".join(sorted({target.name for target in policy.targets}))


def decimal_text(ratio: Fraction) -> str:
    """Write a ratio with as many digits as a float can tell apart."""
    with localcontext() as context:
        context.prec = 17
        return f"{(Decimal(ratio.numerator) / Decimal(ratio.denominator)).normalize():f}"
