"""SLOs as rows of a table for people: ratios rounded so that they never say more than is true."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reporting.definitions.durations import write_duration
from reporting.slo.presentation import DECIMALS, decimals_for, percent_down
from reporting.slo.threshold_alert import ThresholdAlert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo_difference import AppliedView, EffectView
    from reporting.slo_service import Replayed
    from reporting.slo_view import SLOView

Row = tuple[object, ...]
_NOTHING = "-"
_LONGEST = 60


def slo_rows(found: Iterable[SLOView]) -> list[Row]:
    """Return name, service, state, target, SLI, bad, total, what is left of the budget, burn rate of the last hour."""
    return [
        (
            slo.name,
            slo.service,
            "backfilling" if slo.backfilling else slo.state if slo.kept else "not kept",
            _percent(slo.target, slo.target),
            _percent(slo.sli, slo.target),
            f"{slo.bad:,}",
            f"{slo.total:,}",
            _NOTHING if slo.budget is None else _percent(slo.budget.remaining_ratio),
            _rate(slo.burn_rates.get("1h")),
        )
        for slo in found
    ]


def applied_rows(applied: AppliedView) -> Iterator[Row]:
    """Give name, change, field, before and after; what becomes of the budget last."""
    for slo in applied.slos:
        for change in slo.changes:
            yield slo.name, slo.change, change.path, _short(change.before), _short(change.after)
        yield slo.name, slo.change, "budget left", _left(slo.before), _left(slo.after)


def replayed_rows(replayed: Replayed) -> Iterator[tuple[str, str, str, str]]:
    """Give name, alert, from and until."""
    for page in replayed.pages:
        name = alert_text(page.alert)
        until = "goes on" if page.until is None else f"{page.until:%Y-%m-%d %H:%M}"
        yield replayed.definition.name, f"{page.alert.severity} {name}", f"{page.at:%Y-%m-%d %H:%M}", until


def alert_text(alert: BurnRateAlert | ThresholdAlert) -> str:
    """Return `1h/5m`, or `p99 > 500ms 30m`."""
    if isinstance(alert, ThresholdAlert):
        return f"{alert.text} {write_duration(alert.window)}"
    windows = [alert.long_window, alert.short_window]
    return "/".join(write_duration(window) for window in windows if window is not None)


def _left(effect: EffectView | None) -> str:
    if effect is None:
        return _NOTHING
    if effect.budget is None:
        return "no data" if effect.total is not None else "not known yet"
    return f"{_percent(effect.budget.remaining_ratio)} of {effect.budget.allowed:,g}"


def _percent(ratio: float | None, beside: float | None = None) -> str:
    """Return a ratio in per cent, rounded down, with as many decimals as the target beside it needs."""
    if ratio is None:
        return _NOTHING
    decimals = DECIMALS if beside is None else decimals_for(Decimal(str(beside)))
    return f"{percent_down(Decimal(str(ratio)), decimals)} %"


def _rate(rate: float | None) -> str:
    return _NOTHING if rate is None else f"{rate:.2f}"


def _short(value: Any) -> str:
    text = _NOTHING if value is None else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
