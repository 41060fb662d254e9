"""Promises in words: how they stand, the worst first, and what to do about each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.slo.state import SLOState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from reporting.slo_view import SLOView

BURN_NOW = "1h"
"""The window whose burn rate is shown as that of now: shorter ones jump."""
LITTLE_LEFT = 0.1
_ORDER = (SLOState.EXHAUSTED, SLOState.BURNING, SLOState.HEALTHY, SLOState.LOW_TRAFFIC, SLOState.NO_DATA)
LABELS = {
    SLOState.HEALTHY: ("Healthy", "good"),
    SLOState.BURNING: ("Burning", "warn"),
    SLOState.EXHAUSTED: ("Exhausted", "bad"),
    SLOState.LOW_TRAFFIC: ("Low traffic", "none"),
    SLOState.NO_DATA: ("No data", "none"),
}
"""What a state is called, and its tone; the words say the same as the colour."""


@dataclass(frozen=True, slots=True)
class Promise:
    """An SLO as a page tells it. `lasts`: how long the budget is enough at the burn rate of now."""

    slo: SLOView
    label: str
    tone: str
    left: float | None
    burn_now: float | None
    lasts: timedelta | None
    advice: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All of them in one sentence, and its tone."""

    text: str
    tone: str


def promise_of(slo: SLOView) -> Promise:
    """Return what there is to say of an SLO."""
    label, tone = LABELS[slo.state]
    if slo.backfilling:
        label, tone = "Counting the past", "none"
    left = None if slo.budget is None else slo.budget.remaining_ratio
    rate = slo.burn_rates.get(BURN_NOW)
    lasts = None
    if left is not None and left > 0 and rate:
        lasts = (slo.period_end - slo.period_start) * left / rate
    return Promise(slo, label, tone, left, rate, lasts, _advice(slo, left))


def worst_first(slos: Sequence[SLOView]) -> list[Promise]:
    """Return promises, those that need somebody first."""
    found = [promise_of(slo) for slo in slos]
    return sorted(
        found, key=lambda each: (_ORDER.index(each.slo.state), 1 if each.left is None else each.left, each.slo.name)
    )


def verdict(promises: Sequence[Promise]) -> Verdict:
    """Say how many promises are kept; what is not known is counted by itself."""
    known = [each for each in promises if each.left is not None and each.slo.state not in _UNKNOWN]
    kept = [each for each in known if each.slo.state is not SLOState.EXHAUSTED]
    burning = [each.slo.display_name for each in known if each.slo.state is SLOState.BURNING]
    unknown = len(promises) - len(known)
    if not promises:
        return Verdict("Nothing is promised yet", "none")
    if not known:
        return Verdict("No promise has enough data to tell yet", "none")
    text = f"{len(kept)} of {len(known)} promises kept" if len(known) > 1 else "The promise is kept"
    if len(kept) == len(known) > 1:
        text = f"All {len(known)} promises kept"
    elif not kept and len(known) == 1:
        text = "The promise is broken"
    if burning:
        text += f", {burning[0]} is burning" if len(burning) == 1 else f", {len(burning)} are burning"
    if unknown:
        text += f"; {unknown} without data to tell"
    tone = "bad" if len(kept) < len(known) else "warn" if burning else "good"
    return Verdict(text, tone)


_UNKNOWN = frozenset({SLOState.LOW_TRAFFIC, SLOState.NO_DATA})


def _advice(slo: SLOView, left: float | None) -> str:
    if slo.backfilling:
        return "Wait until the past is counted."
    if slo.state is SLOState.NO_DATA:
        return "Nothing was measured. Check that its requests or events arrive."
    if slo.state is SLOState.LOW_TRAFFIC:
        return "Too few requests to tell. Look at the counts."
    if slo.state is SLOState.EXHAUSTED:
        return "The budget is spent. Hold risky changes, and mend what burns."
    if slo.state is SLOState.BURNING:
        return "Look what changed: it fails faster than the budget allows."
    if left is not None and left < LITTLE_LEFT:
        return "Little is left. Be careful with changes."
    return "Nothing to do."
