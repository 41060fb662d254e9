"""The rules of one SLO, fastest first, each with a name that stays the same from one evaluation to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.alerts.standing import Figures
from reporting.definitions.durations import write_duration
from reporting.slo.budget_alert import BUDGET_ALERTS
from reporting.slo.exact import shown

if TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction

    from reporting.alerts.reading import SloReading
    from reporting.slo.alert_group import Rule
    from reporting.slo.burn_rate_alert import AlertSeverity, BurnRateAlert
    from reporting.slo.signals import Signal


@dataclass(frozen=True, slots=True)
class Tier:
    """A rule with what it says now."""

    name: str
    severity: AlertSeverity
    rule: Rule
    signal: Signal
    figures: Figures


def tiers_of(reading: SloReading) -> list[Tier]:
    """Return the rules on burn rates, then those on the budget."""
    seen: Counter[str] = Counter()
    tiers = []
    remaining = _text(reading.budget_remaining_ratio)
    burn_rates = {window: _text(rate) for window, rate in reading.burn_rates.items()}
    for rule, signal in zip(reading.rules, reading.signals, strict=True):
        name = rule_name(rule)
        seen[name] += 1
        windows = _windows(rule)
        figures = Figures(
            target=str(reading.target.target),
            limit=_text(shown(rule.factor)) or "",
            burn_rates={window: burn_rates.get(window) for window in windows},
            budget_remaining_ratio=remaining,
        )
        # Two policies may have the same windows; the faster of them keeps the name.
        unique = name if seen[name] == 1 else f"{name}-{seen[name]}"
        tiers.append(Tier(unique, rule.severity, rule, signal, figures))
    for budget in BUDGET_ALERTS:
        found = budget.signal(reading.budget_remaining_ratio, reading.state)
        figures = Figures(
            target=str(reading.target.target), limit=str(budget.at_most), budget_remaining_ratio=remaining
        )
        tiers.append(Tier(budget.name, budget.severity, budget, found, figures))
    return tiers


def rule_name(rule: BurnRateAlert) -> str:
    """Return `page-1h-5m`. Its burn rate is not in the name: in a calendar month it changes with the month."""
    return "-".join([rule.severity, *_windows(rule)])


def _windows(rule: BurnRateAlert) -> list[str]:
    windows = [rule.long_window] if rule.short_window is None else [rule.long_window, rule.short_window]
    return [write_duration(window) for window in windows]


def _text(value: Decimal | Fraction | None) -> str | None:
    return None if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
