"""Tells a route at once, without the outbox: for what must be told when PostgreSQL or the queue is away, and for tests of routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from app.core.notify.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from app.core.notify.notification import Notification
    from app.core.notify.routes import Chain, Routes
    from app.core.notify.targets import Target

    Send = Callable[[Target, Notification, datetime], None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Try:
    """What became of telling one target; `reason` is empty when it has heard."""

    target: Target
    reason: str = ""


def chains_of(routes: Routes, notification: Notification) -> list[Chain]:
    """Return everybody who is to be told of a notification, Alertmanager included."""
    chains = list(routes.told(notification))
    if routes.alertmanager is not None and notification.alerts:
        chains.append((routes.alertmanager,))
    return chains


def tell_at_once(routes: Routes, send: Send, notification: Notification, now: datetime) -> bool:
    """Tell the first of each chain who can be reached; return whether anybody has heard."""
    chains = chains_of(routes, notification)
    if not chains:
        log.error("nobody_to_tell", notification_id=notification.id, title=notification.title, text=notification.text)
        return True  # The log is what there is.
    told = [_tell_chain(chain, send, notification, now) for chain in chains]
    return any(told)


def try_each(targets: Iterable[Target], send: Send, notification: Notification, now: datetime) -> Iterable[Try]:
    """Tell every target, and say what became of it as it comes."""
    for target in targets:
        try:
            send(target, notification, now)
        except DeliveryError as error:
            yield Try(target, error.reason)
        except Exception as error:
            # Our own mistake, or a library's: it must not keep others from being told.
            log.exception("notification_crashed", notification_id=notification.id, target=target.id)
            yield Try(target, f"{type(error).__name__} on our side")
        else:
            yield Try(target)


def _tell_chain(chain: Chain, send: Send, notification: Notification, now: datetime) -> bool:
    for tried in try_each(chain, send, notification, now):
        if not tried.reason:
            return True
        log.warning("notification_failed", notification_id=notification.id, target=tried.target.id, reason=tried.reason)
    return False
