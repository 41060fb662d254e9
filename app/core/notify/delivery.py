"""Delivers what is in the outbox, at least once and in order.

1. Claim the unfinished notifications of a subject; another task that is at them keeps its claim.
2. For each chain of their routes, tell its first target of one after the other. What fails is tried again later, and what
   comes after it waits, so that nobody hears of an end before the beginning.
3. A target that failed twice, or refused, is down: the next of its chain is told as well, from then on and of everything,
   until the first is back.
4. Write down what was delivered, at once: a run that is killed is repeated, and repeats no more than it must.
5. What could not be delivered for a day is given up, and that is logged as an error.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from app.core.failpoints import failpoint
from app.core.notify import outbox_store
from app.core.notify.errors import DeliveryError
from app.core.notify.outbox_store import Delivery, DeliveryState
from app.core.queue.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from app.core.database import Database
    from app.core.notify.notification import Notification
    from app.core.notify.outbox_store import Claimed
    from app.core.notify.routes import Chain, Routes
    from app.core.notify.targets import Target

    Send = Callable[[Target, Notification, datetime], None]
    Heard = Callable[[str, DeliveryState], None]

GIVE_UP_AFTER = timedelta(hours=24)
DOWN_AFTER = 2
"""Failures after which the next of a chain is told: one may be a hiccup."""
CLAIMED_FOR = timedelta(seconds=120)
"""Longer than any one try, which has its deadline; after each the claim is renewed."""
MOST_CHAINS = 8
BACKOFF = Backoff(base_s=10.0, cap_s=600.0)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Chain:
    """A chain, what it is to be told, and what became of that."""

    targets: Chain
    by: str
    notifications: list[tuple[datetime, Notification]] = field(default_factory=list)
    rows: dict[tuple[str, str], Delivery] = field(default_factory=dict)

    def is_down(self, target: Target) -> bool:
        rows = (row for (_, name), row in self.rows.items() if name == target.id)
        return any(not row.over and (row.refused or row.attempts >= DOWN_AFTER) for row in rows)

    def told(self, notification: Notification) -> list[Delivery]:
        """What became of a notification with those who were, or are to be, told of it."""
        rows = [self.rows.get((notification.id, target.id)) for target in self.targets]
        return [row for row in rows if row is not None]

    def is_done_with(self, notification: Notification) -> bool:
        """Whether nobody is left to tell. The first target hears everything, if only when it is back."""
        first = self.rows.get((notification.id, self.targets[0].id))
        return first is not None and all(row.over for row in self.told(notification))


class Deliveries:
    """Thread-safe. Methods raise `DependencyError`; what was delivered until then is known, but for what was in hand."""

    def __init__(
        self,
        database: Database,
        routes: Routes,
        send: Send,
        *,
        clock: Callable[[], datetime],
        on_outcome: Heard = lambda _target, _state: None,
        backoff: Backoff = BACKOFF,
    ) -> None:
        self._database = database
        self._routes = routes
        self._send = send
        self._clock = clock
        self._on_outcome = on_outcome
        self._backoff = backoff
        self._writing = threading.Lock()  # Chains take one connection between them: others need theirs to store events.

    def deliver(self, subject: str, *, by: str) -> None:
        """Deliver what is due of a subject; `by` names this run, and is the same when it is repeated."""
        more = True
        while more:  # What was written meanwhile, unless somebody could not be told: the relay comes back for that.
            now = self._clock()
            with self._database.begin() as connection:
                claimed = outbox_store.claim(connection, subject, by=by, now=now, until=now + CLAIMED_FOR)
            if not claimed.notifications:
                return
            failpoint("notify.claimed")
            chains = self._chains(claimed, by)
            self._run(chains)
            more = self._release(claimed, chains, by)

    def _chains(self, claimed: Claimed, by: str) -> list[_Chain]:
        chains: dict[Chain, _Chain] = {}
        for created_at, notification in claimed.notifications:
            for targets in self._routes.told(notification):
                chains.setdefault(targets, _Chain(targets, by)).notifications.append((created_at, notification))
            if self._routes.alertmanager is not None and notification.alerts:
                alone = (self._routes.alertmanager,)
                chains.setdefault(alone, _Chain(alone, by)).notifications.append((created_at, notification))
        for chain in chains.values():
            names = {target.id for target in chain.targets}
            chain.rows = {(row.notification_id, row.target): row for row in claimed.deliveries if row.target in names}
        return list(chains.values())

    def _run(self, chains: Sequence[_Chain]) -> None:
        """Run chains beside one another: one that hangs keeps nobody from being told."""
        if len(chains) == 1:
            self._run_chain(chains[0])
            return
        with ThreadPoolExecutor(max(1, min(len(chains), MOST_CHAINS)), "deliveries") as threads:
            for run in as_completed([threads.submit(self._run_chain, chain) for chain in chains]):
                run.result()

    def _run_chain(self, chain: _Chain) -> None:
        for place, target in enumerate(chain.targets):
            if place and not chain.is_down(chain.targets[place - 1]):
                return
            for created_at, notification in chain.notifications:
                before = chain.rows.get((notification.id, target.id))
                if before is not None and before.over:
                    continue
                after = self._tried(target, notification, created_at, before, by=chain.by)
                if after is not before:
                    chain.rows[notification.id, target.id] = after
                if not after.over:
                    break

    def _tried(
        self,
        target: Target,
        notification: Notification,
        created_at: datetime,
        before: Delivery | None,
        *,
        by: str,
    ) -> Delivery:
        """Tell a target, if it is time, and write down what became of it."""
        now = self._clock()
        row = before or Delivery(notification_id=notification.id, target=target.id, next_at=now)
        if row.next_at > now:
            return row
        try:
            self._send(target, notification, now)
        except DeliveryError as error:
            row = self._failed(row, error, now, give_up_at=created_at + GIVE_UP_AFTER)
        except Exception as error:
            # Our own mistake, or a library's: it must not keep others from being told, nor this one for ever.
            log.exception("notification_crashed", notification_id=notification.id, target=target.id)
            crashed = DeliveryError(f"{type(error).__name__} on our side", refused=True)
            row = self._failed(row, crashed, now, give_up_at=created_at + GIVE_UP_AFTER)
        else:
            failpoint("notify.sent")
            row = replace(row, state=DeliveryState.DELIVERED, attempts=row.attempts + 1, delivered_at=now, reason="")
            log.info("notification_delivered", notification_id=notification.id, target=target.id)
        self._on_outcome(target.channel, row.state)
        with self._writing, self._database.begin() as connection:
            outbox_store.record(connection, [row])
            outbox_store.renew(connection, by=by, until=self._clock() + CLAIMED_FOR)
        return row

    def _failed(self, row: Delivery, error: DeliveryError, now: datetime, *, give_up_at: datetime) -> Delivery:
        given_up = now >= give_up_at
        wait = timedelta(seconds=self._backoff.delay_s(row.attempts))
        level = log.error if given_up else log.warning
        event = "notification_given_up" if given_up else "notification_failed"
        level(event, notification_id=row.notification_id, target=row.target, reason=error.reason)
        return replace(
            row,
            state=DeliveryState.EXPIRED if given_up else DeliveryState.PENDING,
            attempts=row.attempts + 1,
            refused=error.refused,
            reason=error.reason,
            next_at=now + wait,
        )

    def _release(self, claimed: Claimed, chains: Iterable[_Chain], by: str) -> bool:
        """Let go of what was claimed, and return whether everybody was told of all of it."""
        now = self._clock()
        finished: list[str] = []
        waiting: list[tuple[str, datetime]] = []
        for created_at, notification in claimed.notifications:
            mine = [chain for chain in chains if any(each is notification for _, each in chain.notifications)]
            if not mine:
                self._log_untold(notification)
            if all(chain.is_done_with(notification) for chain in mine):
                finished.append(notification.id)
                continue
            pending = [row.next_at for chain in mine for row in chain.told(notification) if not row.over]
            # What waits behind another is looked at with it.
            waiting.append((notification.id, min(pending, default=created_at + GIVE_UP_AFTER)))
        with self._database.begin() as connection:
            outbox_store.release(connection, by=by, finished=finished, waiting=waiting, now=now)
        return not waiting

    @staticmethod
    def _log_untold(notification: Notification) -> None:
        """Nobody is named who would be told: the log is what is left."""
        log.warning(
            "notification",
            notification_id=notification.id,
            urgency=notification.urgency,
            service=notification.service,
            title=notification.title,
            text=notification.text,
        )
