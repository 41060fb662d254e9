"""An alert as it is stored: the machine's state, and what it is about."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from reporting.slo.alert_state import Alert
    from reporting.slo.burn_rate_alert import AlertSeverity

Key = tuple[str, str]
"""The names of an SLO and of one of its rules."""


class Figures(Struct, frozen=True, omit_defaults=True):
    """What was measured when an alert was last looked at, as it is shown: decimals as text, None for what is unknown.

    `limit` is the burn rate beyond which it fires, the remaining share of the budget at which it does, or the error ratio
    beyond which it does where a `condition` on a plain figure says so.
    """

    target: str
    limit: str
    burn_rates: dict[str, str | None] = {}
    budget_remaining_ratio: str | None = None
    condition: str | None = None
    error_ratio: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAlert:
    """The last alert of an SLO and a rule, over or not. `targets` are names of the settings; none means by severity."""

    alert_id: str
    slo: str
    service: str
    rule: str
    severity: AlertSeverity
    alert: Alert
    figures: Figures
    incident_id: str | None = None
    targets: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.slo, self.rule


def new_id(kind: str) -> str:
    """Return an id that nobody guesses: `alr_…`, `inc_…`, `sil_…`."""
    return f"{kind}_{secrets.token_hex(10)}"
