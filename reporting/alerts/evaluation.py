"""Evaluates all alerts once, in one transaction with what it tells.

1. Read how every SLO stands, before anything is locked.
2. Take the turn: nobody else evaluates until the transaction ends, nor for a while after.
3. Observe: `reporting.slo.alert_state` says what becomes of each alert.
4. Write the alerts, the record of their changes, and what is to be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from reporting.alerts import alerts_store, silences_store
from reporting.alerts.observation import observe_readings
from reporting.alerts.silence import silencer
from reporting.slo.alert_group import KEEP_FIRING_FOR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from app.core.database import Database
    from reporting.alerts.observation import Observation
    from reporting.alerts.reading import Read
    from reporting.alerts.telling import Teller

SPACING_S = 20.0
"""Shorter than the interval of evaluations, so that an evaluator is never refused for its own last one."""

log = structlog.get_logger(__name__)


class Evaluation:
    """Methods raise `DependencyError`; then nothing has changed."""

    def __init__(
        self,
        database: Database,
        read: Read,
        teller: Teller,
        *,
        spacing_s: float = SPACING_S,
        keep_firing_for: timedelta = KEEP_FIRING_FOR,
    ) -> None:
        self._database = database
        self._read = read
        self._teller = teller
        self._spacing_s = spacing_s
        self._keep_firing_for = keep_firing_for

    def run(self, now: datetime, *, by: str) -> bool:
        """Evaluate; False when another has done so a moment ago."""
        readings = self._read(now)
        with self._database.begin() as connection:
            if not alerts_store.take_turn(connection, by, spacing_s=self._spacing_s):
                return False
            silenced = silencer(silences_store.holding(connection, now))
            standing = alerts_store.current(connection, lock=True)
            observations = observe_readings(
                readings, standing, now=now, silenced=silenced, keep_firing_for=self._keep_firing_for
            )
            observations = self._teller.enlist(connection, observations, now)
            alerts_store.write(connection, observations)
            alerts_store.record(connection, _changes(observations), actor=None)
            self._teller.tell(connection, now, silenced=silenced)
        for each in observations:
            if each.change is not None and each.change.notify:  # The record has the others, who may be thousands.
                alert = each.standing
                log.info(
                    "alert_changed", alert_id=alert.alert_id, slo=alert.slo, rule=alert.rule, state=each.change.state
                )
        return True


def _changes(observations: Sequence[Observation]) -> list[alerts_store.NewChange]:
    return [
        (each.standing.alert_id, each.change.at, each.change.state, each.change.notify)
        for each in observations
        if each.change is not None
    ]
