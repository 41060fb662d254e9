"""What is told when nobody evaluates alerts, and when somebody does again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.notify.notification import Notification, PostedAlert
from app.core.notify.urgency import Urgency
from app.core.telemetry.telemetry_store import SERVICE
from reporting.alerts.watch import News

if TYPE_CHECKING:
    from datetime import datetime

_REMEDY = (
    "Nobody is told of any SLO until somebody does. Look whether a worker runs (slipstream worker), and whether PostgreSQL "
    "and Valkey answer (slipstream doctor)."
)


def compose(news: News, name: str, last: datetime) -> Notification:
    """Return the notification; `last` is when alerts were last evaluated, as far as is known."""
    instant = f"{last:%Y-%m-%d %H:%M:%S} UTC"
    is_back = news is News.BACK
    title = "Alerts are evaluated again" if is_back else "Alerts are not evaluated"
    alert = PostedAlert(
        labels={"alertname": "AlertsNotEvaluated", "service": SERVICE, "severity": "page", "origin": "slipstream"},
        annotations={"summary": title},
        starts_at=last,
        ends_at=last if is_back else None,
    )
    return Notification(
        id=name,
        subject="watch",
        urgency=Urgency.PAGE,
        service=SERVICE,
        event="watch.resolved" if is_back else "watch.firing",
        title=f"{SERVICE}: {title}",
        text=f"{title}, since {instant}." if is_back else f"Alerts were last evaluated at {instant}. {_REMEDY}",
        at=last,
        alerts=(alert,),
    )
