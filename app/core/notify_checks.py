"""Whether anybody would be told of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.findings import State, judge
from app.core.settings import variable

if TYPE_CHECKING:
    from app.core.findings import Finding
    from app.core.settings import Settings

_SUBJECT = "alerts"


def check_notifications(settings: Settings) -> list[Finding]:
    """Look who is told of pages and tickets; nobody is contacted (`slipstream alerts test-route` does that)."""
    return [
        judge(
            subject=_SUBJECT,
            name=f"{urgency}s",
            good=bool(told or settings.alertmanager_url),
            found="somebody is told" if told or settings.alertmanager_url else "nobody is told",
            reason="An alert that reaches nobody is a line in a log.",
            remedy=f"Set {variable(name)}, and try it: slipstream alerts test-route --severity {urgency}.",
            otherwise=State.WARN,
        )
        for urgency, name, told in (
            ("page", "notify_page", settings.notify_page),
            ("ticket", "notify_ticket", settings.notify_ticket),
        )
    ]
