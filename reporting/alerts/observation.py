"""One evaluation as a pure function: how alerts stood and what SLOs say, to how they stand and what has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reporting.alerts.reading import Unknown
from reporting.alerts.standing import StandingAlert, new_id
from reporting.alerts.tiers import figures_of, tiers_of
from reporting.slo.alert_group import KEEP_FIRING_FOR, observe_all
from reporting.slo.alert_state import freeze, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from reporting.alerts.reading import SloReading
    from reporting.alerts.standing import Key
    from reporting.alerts.tiers import Tier
    from reporting.slo.alert_group import Observed
    from reporting.slo.alert_state import Change

    Silenced = Callable[[str, str, str], bool]
    """Whether somebody has silenced a service, an SLO and a severity."""


@dataclass(frozen=True, slots=True)
class Observation:
    """An alert that is not as it was: `replaces` is the one before, which is over, `change` what is to be recorded."""

    standing: StandingAlert
    change: Change | None
    is_new: bool = False
    replaces: str | None = None


def observe_readings(
    readings: Iterable[SloReading | Unknown],
    standing: Mapping[Key, StandingAlert],
    *,
    now: datetime,
    silenced: Silenced,
    keep_firing_for: timedelta = KEEP_FIRING_FOR,
) -> list[Observation]:
    """Evaluate the alerts of all SLOs; those of unknown ones freeze, those of SLOs and rules that are no more are removed."""
    found: list[Observation] = []
    known: set[Key] = set()
    for reading in readings:
        if isinstance(reading, Unknown):
            unknown = [each for each in standing.values() if each.slo == reading.name]
            known.update(each.key for each in unknown)
            found += [Observation(replace(each, alert=freeze(each.alert, now=now)), None) for each in unknown]
            continue
        tiers = tiers_of(reading)
        before = [standing.get((reading.name, tier.name)) for tier in tiers]
        known.update((reading.name, tier.name) for tier in tiers)
        observed = observe_all(
            [tier.rule for tier in tiers],
            [None if each is None else each.alert for each in before],
            [tier.signal for tier in tiers],
            now=now,
            keep_firing_for=keep_firing_for,
            silenced=[silenced(reading.service, reading.name, tier.severity) for tier in tiers],
            tell_ends=[tier.telling.end for tier in tiers],
        )
        found += _changed(reading, tiers, before, observed)
    return found + _removed((each for key, each in standing.items() if key not in known), now)


def _changed(
    reading: SloReading, tiers: Sequence[Tier], before: Sequence[StandingAlert | None], observed: Sequence[Observed]
) -> Iterable[Observation]:
    for tier, old, new in zip(tiers, before, observed, strict=True):
        if new.alert is None or (old is not None and old.alert == new.alert):
            continue
        if old is None or (old.alert.over and not new.alert.over):
            alert = StandingAlert(
                alert_id=new_id("alr"),
                slo=reading.name,
                service=reading.service,
                rule=tier.name,
                severity=tier.severity,
                alert=new.alert,
                figures=figures_of(reading, tier),
                targets=tier.telling.targets,
            )
            yield Observation(alert, new.change, is_new=True, replaces=None if old is None else old.alert_id)
        else:
            targets = old.targets if new.alert.over else tier.telling.targets
            figures = figures_of(reading, tier)
            yield Observation(replace(old, alert=new.alert, figures=figures, targets=targets), new.change)


def _removed(gone: Iterable[StandingAlert], now: datetime) -> list[Observation]:
    removed = []
    for each in gone:
        alert, change = remove(each.alert, now=now)
        if change is not None:
            removed.append(Observation(replace(each, alert=alert), change))
    return removed
