"""Burn rates against the limits at which somebody is told, rule by rule. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.definitions.durations import write_duration
from reporting.slo.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.evaluation.figures import Evaluation

_TONES = {
    Signal.CLEAR: ("Clear", "good"),
    Signal.BREACHING: ("Breaching", "bad"),
    Signal.LOW_TRAFFIC: ("Low traffic", "none"),
    Signal.NO_DATA: ("No data", "none"),
}


@dataclass(frozen=True, slots=True)
class Burn:
    """A rule: its limit, and how fast the budget burns in both of its windows. `short` is empty without one."""

    severity: str
    limit: float
    long: str
    long_rate: float | None
    short: str
    short_rate: float | None
    label: str
    tone: str

    @property
    def share(self) -> float | None:
        """How near the limit is: the lower of both windows, because both must be beyond it."""
        rates = [self.long_rate] if not self.short else [self.long_rate, self.short_rate]
        known = [rate for rate in rates if rate is not None]
        return min(known) / self.limit if len(known) == len(rates) and self.limit else None


def burning(evaluation: Evaluation) -> Sequence[Burn]:
    """Return every rule on burn rates, the fastest first."""
    rates = evaluation.figures.burn_rates
    found = []
    for rule, signal in zip(evaluation.rules, evaluation.figures.signals, strict=True):
        long = write_duration(rule.long_window)
        short = "" if rule.short_window is None else write_duration(rule.short_window)
        label, tone = _TONES[signal]
        found.append(
            Burn(
                severity=rule.severity,
                limit=float(rule.factor),
                long=long,
                long_rate=_plain(rates.get(long)),
                short=short,
                short_rate=_plain(rates.get(short)),
                label=label,
                tone=tone,
            )
        )
    return found


def _plain(value: object) -> float | None:
    return None if value is None else float(str(value))
