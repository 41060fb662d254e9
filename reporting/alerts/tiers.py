"""The rules of one SLO, fastest first, each with a name that stays the same from one evaluation to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reporting.alerts.reading import BY_SEVERITY
from reporting.alerts.standing import Figures
from reporting.definitions.durations import write_duration
from reporting.slo.budget_alert import BUDGET_ALERTS, BudgetAlert
from reporting.slo.burn_rate_alert import AlertSeverity, BurnRateAlert
from reporting.slo.exact import shown
from reporting.slo.no_data_alert import NoDataAlert
from reporting.slo.threshold_alert import ThresholdAlert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from reporting.alerts.reading import SloReading, Telling
    from reporting.slo.signals import Signal

Rule = BurnRateAlert | ThresholdAlert | NoDataAlert | BudgetAlert


@dataclass(frozen=True, slots=True)
class Tier:
    """A rule with what it says now, and whom it tells; `error_ratio` is that of its window, where it has one."""

    name: str
    severity: AlertSeverity
    rule: Rule
    signal: Signal
    telling: Telling = BY_SEVERITY
    error_ratio: Decimal | None = None


def tiers_of(reading: SloReading) -> list[Tier]:
    """Return pages before tickets, and of each the rules on burn rates, on figures and on silence; those on the budget last."""
    seen: Counter[str] = Counter()
    tiers = []
    found = list(_asked(reading))
    for tier in (*_of(found, AlertSeverity.PAGE), *_of(found, AlertSeverity.TICKET)):
        seen[tier.name] += 1
        # Two policies may have the same windows; the faster of them keeps the name.
        tiers.append(tier if seen[tier.name] == 1 else replace(tier, name=f"{tier.name}-{seen[tier.name]}"))
    for budget in BUDGET_ALERTS:
        signal = budget.signal(reading.budget_remaining_ratio, reading.state)
        tiers.append(Tier(budget.name, budget.severity, budget, signal))
    return tiers


def _asked(reading: SloReading) -> Iterator[Tier]:
    """Give the rules that policies ask for."""
    telling = reading.telling or [BY_SEVERITY] * len(reading.rules)
    for rule, signal, told in zip(reading.rules, reading.signals, telling, strict=True):
        yield Tier(rule_name(rule), rule.severity, rule, signal, told)
    for each in reading.findings:
        name = watch_name(each.rule)
        yield Tier(name, each.rule.severity, each.rule, each.signal, each.telling, each.error_ratio)


def _of(tiers: list[Tier], severity: AlertSeverity) -> list[Tier]:
    return [tier for tier in tiers if tier.severity is severity]


def figures_of(reading: SloReading, tier: Tier) -> Figures:
    """Return what was measured for a rule. Most rules of most evaluations have nothing to show."""
    rule = tier.rule
    target, remaining = str(reading.target.target), _text(reading.budget_remaining_ratio)
    if isinstance(rule, BudgetAlert):
        return Figures(target=target, limit=str(rule.at_most), budget_remaining_ratio=remaining)
    if isinstance(rule, NoDataAlert):
        condition = f"nothing is measured over {write_duration(rule.window)}"
        return Figures(target=target, limit="", budget_remaining_ratio=remaining, condition=condition)
    if isinstance(rule, ThresholdAlert):
        return Figures(
            target=target,
            limit=_text(shown(rule.limit(reading.target))) or "",
            budget_remaining_ratio=remaining,
            condition=f"{rule.text} over {write_duration(rule.window)}",
            error_ratio=_text(tier.error_ratio),
        )
    return Figures(
        target=target,
        limit=_text(shown(rule.factor)) or "",
        burn_rates={window: _text(reading.burn_rates.get(window)) for window in _windows(rule)},
        budget_remaining_ratio=remaining,
    )


def rule_name(rule: BurnRateAlert) -> str:
    """Return `page-1h-5m`. Its burn rate is not in the name: in a calendar month it changes with the month."""
    return "-".join([rule.severity, *_windows(rule)])


def watch_name(rule: ThresholdAlert | NoDataAlert) -> str:
    """Return `ticket-p99-30m`, `ticket-error-rate-10m` or `page-no-data-5m`."""
    figure = "no-data" if isinstance(rule, NoDataAlert) else rule.figure.replace("_", "-")
    return "-".join([rule.severity, figure, write_duration(rule.window)])


def _windows(rule: BurnRateAlert) -> list[str]:
    windows = [rule.long_window] if rule.short_window is None else [rule.long_window, rule.short_window]
    return [write_duration(window) for window in windows]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
