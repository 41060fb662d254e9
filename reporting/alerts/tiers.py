"""The rules of one SLO, fastest first, each with a name that stays the same from one evaluation to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.alerts.standing import Figures
from reporting.definitions.durations import write_duration
from reporting.slo.budget_alert import BUDGET_ALERTS, BudgetAlert
from reporting.slo.exact import shown

if TYPE_CHECKING:
    from decimal import Decimal

    from reporting.alerts.reading import SloReading
    from reporting.slo.burn_rate_alert import AlertSeverity, BurnRateAlert
    from reporting.slo.signals import Signal


@dataclass(frozen=True, slots=True)
class Tier:
    """A rule with what it says now."""

    name: str
    severity: AlertSeverity
    rule: BurnRateAlert | BudgetAlert
    signal: Signal


def tiers_of(reading: SloReading) -> list[Tier]:
    """Return the rules on burn rates, then those on the budget."""
    seen: Counter[str] = Counter()
    tiers = []
    for rule, signal in zip(reading.rules, reading.signals, strict=True):
        name = rule_name(rule)
        seen[name] += 1
        # Two policies may have the same windows; the faster of them keeps the name.
        unique = name if seen[name] == 1 else f"{name}-{seen[name]}"
        tiers.append(Tier(unique, rule.severity, rule, signal))
    for budget in BUDGET_ALERTS:
        found = budget.signal(reading.budget_remaining_ratio, reading.state)
        tiers.append(Tier(budget.name, budget.severity, budget, found))
    return tiers


def figures_of(reading: SloReading, rule: BurnRateAlert | BudgetAlert) -> Figures:
    """Return what was measured for a rule. Most rules of most evaluations have nothing to show."""
    target, remaining = str(reading.target.target), _text(reading.budget_remaining_ratio)
    if isinstance(rule, BudgetAlert):
        return Figures(target=target, limit=str(rule.at_most), budget_remaining_ratio=remaining)
    return Figures(
        target=target,
        limit=_text(shown(rule.factor)) or "",
        burn_rates={window: _text(reading.burn_rates.get(window)) for window in _windows(rule)},
        budget_remaining_ratio=remaining,
    )


def rule_name(rule: BurnRateAlert) -> str:
    """Return `page-1h-5m`. Its burn rate is not in the name: in a calendar month it changes with the month."""
    return "-".join([rule.severity, *_windows(rule)])


def _windows(rule: BurnRateAlert) -> list[str]:
    windows = [rule.long_window] if rule.short_window is None else [rule.long_window, rule.short_window]
    return [write_duration(window) for window in windows]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
