"""Whether anybody would be told of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.findings import State, judge
from app.core.settings import variable

if TYPE_CHECKING:
    from app.core.findings import Finding
    from app.core.settings import Settings

_SUBJECT = "alerts"
_NOBODY = ("nobody is told", "An alert that reaches nobody is a line in a log.")
_ALERTMANAGER = (
    "Alertmanager alone is told",
    "Whom it tells is in its own configuration: the receivers of `slipstream rules export` have no channel yet.",
)


def check_notifications(settings: Settings) -> list[Finding]:
    """Look who is told of pages and tickets; nobody is contacted (`slipstream alerts test-route` does that)."""
    otherwise, reason = _ALERTMANAGER if settings.alertmanager_url else _NOBODY
    return [
        judge(
            subject=_SUBJECT,
            name=f"{urgency}s",
            good=bool(told),
            found="somebody is told" if told else otherwise,
            reason=reason,
            remedy=f"Set {variable(name)}, and try it: slipstream alerts test-route --severity {urgency}.",
            otherwise=State.WARN,
        )
        for urgency, name, told in (
            ("page", "notify_page", settings.notify_page),
            ("ticket", "notify_ticket", settings.notify_ticket),
        )
    ]
